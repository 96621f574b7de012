// Shared by both pages: pictures from bytes, bars of probabilities, and the box that takes a picture.
// Everything from outside is inserted as text, never as markup.

/** An element with a class, text and children. */
export function element(tag, { name, text, ...rest } = {}, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(rest)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The bytes of a base64 text. */
export function bytes(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** Draws grey or coloured pixels (height, width, channels) into a canvas of that size. */
export function picture(canvas, pixels, height, width, channels) {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let n = 0; n < width * height; n++) {
    for (let c = 0; c < 3; c++) image.data[4 * n + c] = pixels[n * channels + (channels === 3 ? c : 0)];
    image.data[4 * n + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Formats 0.1234 as 12.3 %, without a line break. */
export function percent(share) {
  return `${(100 * share).toFixed(1)}\u00a0%`;
}

/** Shows a prediction: a bar for each class in a fixed order of `classes`, or a number. */
export function bars(list, told, classes) {
  if (told.top === undefined) {
    list.replaceChildren(element("li", {}, element("span", { name: "name", text: `the number ${told.value.toFixed(3)}` })));
    return;
  }
  const shares = new Map(told.top.map((each) => [each.class, each.probability]));
  if (list.children.length !== classes.length) {
    list.replaceChildren(...classes.map((name) => element("li", {},
      element("span", { name: "name", text: name }),
      element("span", { name: "share" }),
      element("span", { name: "bar", "aria-hidden": "true" }, element("i")))));
  }
  classes.forEach((name, n) => {
    const share = shares.get(name) ?? 0;
    const [, text, bar] = list.children[n].children;
    text.textContent = percent(share);
    bar.firstChild.style.width = `${100 * share}%`;
  });
}

/** A prediction in words. */
export function words(told) {
  return told.top === undefined
    ? `${told.image}: ${told.value.toFixed(3)}`
    : `${told.image}: ${told.class}, ${percent(told.probability)}`;
}

/** Sends a request; returns its JSON, or throws an error in words. */
export async function post(path, body, token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(path, { method: "POST", headers, body });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

/** Makes `box`, which holds a file chooser, take pictures: chosen, dropped, or pasted anywhere on the page. */
export function takesPictures(box, most, take, refuse) {
  const input = box.querySelector("input");
  const files = (list) => {
    for (const file of list) {
      if (file.size > most) refuse(`${file.name} has ${file.size} bytes, expected at most ${most}`);
      else take(file);
    }
  };
  input.addEventListener("change", () => {
    files(input.files);
    input.value = "";
  });
  // A file that is dropped next to the box must not replace the page.
  for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
  box.addEventListener("dragover", () => box.classList.add("over"));
  for (const kind of ["dragleave", "drop"]) box.addEventListener(kind, () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    if (!input.disabled) files(event.dataTransfer.files);
  });
  window.addEventListener("paste", (event) => {
    if (!input.disabled) files(event.clipboardData.files);
  });
}

/** A form with one picture in it. */
export function form(file) {
  const made = new FormData();
  made.append("file", file, file.name || "image");
  return made;
}
