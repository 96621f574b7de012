// The page of a trained network: asks it about pictures, and keeps the recent ones.

import { bars, bytes, element, form, percent, picture, post, takesPictures, words } from "/shared.js";

const RECENT = 24;

const at = (id) => document.getElementById(id);
const grouped = (number) => number.toLocaleString("en");
const model = await (await fetch("/model")).json();
const [height, width] = model.input;

at("title").textContent = `${model.name}, trained on ${model.data}`;
document.title = `${model.name} – wgrad serve`;
at("about").textContent =
  `run ${model.run} · ${grouped(model.parameters)} parameters · ${model.epochs} epochs · ${model.adapter}`;
at("layers").replaceChildren(...model.layers.map((layer) => element("tr", {},
  element("td", { text: layer.name }), element("td", { text: layer.output.join(" × ") }),
  element("td", { text: grouped(layer.parameters) }))));
at("curl").textContent = `curl --data-binary @shirt.png ${location.origin}/predict?top=3`;

takesPictures(at("drop"), model.max_body, async (file) => {
  at("words").textContent = `${file.name}: waiting for the prediction.`;
  try {
    const { predictions: [told] } = await post("/predict", form(file));
    const pixels = bytes(told.pixels);
    at("opinion").hidden = false;
    picture(at("seen"), pixels, height, width, pixels.length / (height * width));
    bars(at("bars"), told, model.classes);
    at("words").textContent = `${words(told)}. ${told.notes.join(", ")}.`;
    const canvas = element("canvas", { name: "pixels", role: "img", "aria-label": told.image });
    picture(canvas, pixels, height, width, pixels.length / (height * width));
    const said = told.top === undefined ? told.value.toFixed(3) : `${told.class}, ${percent(told.probability)}`;
    const lines = element("div", {}, element("strong", { text: said }), element("span", { name: "faint", text: told.image }));
    at("none").hidden = true;
    at("recent").prepend(element("li", {}, canvas, lines));
    if (at("recent").children.length > RECENT) at("recent").lastChild.remove();
  } catch (error) {
    at("words").textContent = error.message;
  }
}, (problem) => { at("words").textContent = problem; });
