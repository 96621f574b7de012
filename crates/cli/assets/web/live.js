// The live page: follows the events of a training, draws them once per frame (curves less often), and sends the
// requests of its controls.

import { bars, bytes, element, form, percent, picture, post, takesPictures, words } from "/shared.js";
import { axisEnd, draw } from "/chart.js";

const MOST = 4000; // points of a curve
const PICTURE = 20 << 20; // bytes that the server takes
const CURVES = 250; // milliseconds between two drawings of the curves; the numbers come at once
const AGAIN = 1000; // milliseconds between two predictions for a picture

const at = (id) => document.getElementById(id);
const token = location.hash.slice(1);
const OVER = ["finished", "stopped", "failed"];
const PHASES = {
  training: "training", evaluating: "evaluating", paused: "paused", finished: "finished",
  stopped: "stopped and saved", failed: "failed",
};
let about = null; // facts about the training that do not change
let phase = "connecting";
let points = []; // [step, loss, accuracy, rate]
let epochs = [];
let now = null; // the last event about steps
let due = false; // true while a frame is requested
let told = []; // times at which the events that are not drawn yet were known
let drawn = -Infinity; // time when the curves were drawn
let waiting = null; // timer for their next drawing

/** Requests a frame. */
function changed(time) {
  if (time) told.push(time);
  if (due) return;
  due = true;
  // Nobody sees a page in the background; its numbers are drawn when it comes to the front.
  (document.hidden ? (then) => setTimeout(then, 1000) : requestAnimationFrame)(frame);
}

function time(seconds) {
  if (!Number.isFinite(seconds) || seconds > 1e7) return "–";
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const grouped = (number) => Math.round(number).toLocaleString("en");
const rate = (number) => Number(number.toPrecision(4)).toString();

function frame() {
  due = false;
  if (!about) return;
  const total = about.epochs * about.steps;
  if (now) {
    at("epoch").textContent = `${now.epoch} of ${about.epochs}`;
    at("step").textContent = `${grouped(now.step)} of ${grouped(about.steps)}`;
    at("loss").textContent = now.epoch_loss.toFixed(4);
    at("accuracy").textContent = about.regression ? "–" : percent(now.epoch_accuracy);
    at("rate").textContent = rate(now.rate);
    at("speed").textContent = now.speed ? grouped(now.speed) : "–";
    at("left").textContent = OVER.includes(phase) ? "–" : time(now.left);
    at("progress").value = now.number / Math.max(total, 1);
  }
  const last = epochs.at(-1);
  if (last) at("test").textContent = about.regression ? last.test_rmse?.toFixed(4) ?? "–" : percent(last.test_accuracy);
  const wait = drawn + CURVES - performance.now();
  if (wait <= 0) curves(last);
  else waiting ??= setTimeout(() => { waiting = null; changed(); }, wait);
  if (told.length) {
    // The events are drawn now, and on the screen with this frame.
    const late = Date.now() - told[0];
    at("delay").textContent = `Shown ${late.toFixed(0)} ms after it was measured.`;
    at("delay").dataset.at = told[0];
    told = [];
  }
}

/** Draws the curves; `last` is the last epoch. */
function curves(last) {
  drawn = performance.now();
  const of = (name, column) => ({ points: points.map((row) => [row[0], row[column]]), color: name });
  const judged = (what, name, dash) =>
    ({ points: epochs.filter((e) => e[what] !== undefined).map((e) => [e.step, e[what]]), color: name, dash, dots: true });
  const reached = points.at(-1)?.[0] ?? last?.step ?? 0;
  const end = axisEnd(reached / about.steps, about.epochs) * about.steps;
  const scale = { end, unit: about.steps, axis: "epochs" };
  draw(at("chart-loss"), [of("--train", 1), judged("validation_loss", "--validation", [2, 3]),
    judged("test_loss", "--test", [6, 4])], { ...scale, from: 0 });
  // A regression has no accuracy, but a root mean squared error, and only the loss while it trains.
  draw(at("chart-accuracy"), about.regression
    ? [judged("validation_rmse", "--validation", [2, 3]), judged("test_rmse", "--test", [6, 4])]
    : [of("--train", 2), judged("validation_accuracy", "--validation", [2, 3]), judged("test_accuracy", "--test", [6, 4])],
  scale);
  draw(at("chart-rate"), [of("--train", 3)], { ...scale, from: 0 });
}

function setPhase(next, why) {
  phase = next;
  const over = OVER.includes(phase);
  at("phase").textContent = PHASES[phase] ?? phase;
  at("phase").classList.toggle("alarm", phase === "failed" || phase === "lost");
  at("words").textContent = why || (over && about ? `The run is in ${about.run}; this page no longer changes.` : "");
  at("steering").disabled = over || !token || !about;
  at("file").disabled = over || !token || !about || about.size[2] !== 1;
  at("pause").textContent = phase === "paused" ? "Resume" : "Pause";
  document.title = about ? `${PHASES[phase] ?? phase}: ${about.model} – wgrad live` : "wgrad live";
}

function rows() {
  const validated = epochs.some((e) => e.validation_loss !== undefined);
  document.querySelectorAll(".validation").forEach((cell) => { cell.hidden = !validated; });
  at("epochs").replaceChildren(...epochs.map((e) => {
    const reached = (name) => about?.regression ? e[`${name}_rmse`]?.toFixed(4)
      : e[`${name}_accuracy`] === undefined ? undefined : percent(e[`${name}_accuracy`]);
    const both = (name) => [e[`${name}_loss`]?.toFixed(4) ?? "–", reached(name) ?? "–"];
    const cells = [String(e.epoch), ...both("train"), ...(validated ? both("validation") : []), ...both("test"), grouped(e.images_per_second)];
    return element("tr", {}, ...cells.map((text) => element("td", { text })));
  }));
}

function mistakes(all) {
  if (!all) return;
  at("mistakes-words").textContent =
    `${all.wrong} of the last ${all.seen} test images evaluated; after step ${grouped(all.number)}.`;
  at("mistakes").replaceChildren(...all.items.map((each) => {
    const canvas = element("canvas", { name: "pixels", role: "img", "aria-label": `Test image ${each.index}` });
    const [height, width, channels] = about.size;
    picture(canvas, bytes(each.pixels), height, width, channels);
    const lines = each.guess === undefined
      ? [element("strong", { text: each.value.toFixed(2) }), element("span", { text: `is ${each.label}` })]
      : [element("strong", { text: each.guess }), element("span", { text: `is ${each.label}` }),
        ...each.top.map(([name, share]) => element("span", { name: "faint", text: `${name} ${percent(share)}` }))];
    return element("li", {}, canvas, element("div", {}, ...lines));
  }));
}

function filters(all) {
  if (!all) return;
  at("filters-panel").hidden = false;
  const pixels = bytes(all.pixels);
  const across = Math.min(8, all.shown);
  const down = Math.ceil(all.shown / across);
  const [height, width] = [all.height + 1, all.width + 1];
  const canvas = at("filters");
  canvas.width = across * width - 1;
  canvas.height = down * height - 1;
  const image = new ImageData(canvas.width, canvas.height);
  const area = all.height * all.width;
  for (let n = 0; n < all.shown * area; n++) {
    const [tile, y, x] = [Math.floor(n / area), Math.floor((n % area) / all.width), n % all.width];
    const place = 4 * ((Math.floor(tile / across) * height + y) * canvas.width + (tile % across) * width + x);
    const values = all.channels === 3
      ? [pixels[3 * n], pixels[3 * n + 1], pixels[3 * n + 2]]
      : blend((pixels[n] - 128) / 127);
    image.data.set([...values, 255], place);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  const some = all.shown < all.all ? `${all.shown} of ${all.all}` : String(all.all);
  const text = `${all.name}: ${some}, each ${all.height} × ${all.width}; ` +
    (all.channels === 3 ? "" : "orange is positive, blue negative, ") + `at most ±${all.most.toPrecision(3)}; after step ${grouped(all.number)}`;
  at("filters-words").textContent = text;
  canvas.setAttribute("aria-label", text);
}

/** A weight from -1 to 1 as a colour: blue, black, orange. */
function blend(value) {
  const end = value < 0 ? [86, 180, 233] : [240, 150, 60];
  // Most weights are small: the root lets them be seen.
  return end.map((channel) => Math.round(channel * Math.sqrt(Math.abs(value))));
}

function hello(all) {
  about = all.about;
  points = all.history;
  epochs = all.epochs;
  now = all.now;
  at("title").textContent = `${about.model} on ${about.data}`;
  if (about.regression) {
    at("accuracy").parentElement.hidden = true;
    at("test").previousElementSibling.textContent = "Test RMSE";
    at("h-accuracy").textContent = "RMSE";
    at("chart-accuracy").setAttribute("aria-label", "RMSE over the epochs");
    document.querySelectorAll("th").forEach((cell) => { if (cell.textContent === "accuracy") cell.textContent = "RMSE"; });
  }
  at("about").textContent = `run ${about.run} · ${grouped(about.parameters)} parameters · ${grouped(about.images)} images, ` +
    `batch ${about.batch} · ${about.optimizer.method} · ${about.adapter}`;
  const fixed = about.schedule.type === "constant";
  at("rate-note").textContent = !token
    ? "Watching only: open the whole printed address to steer."
    : fixed ? "" : `The schedule (${about.schedule.type}) multiplies it.`;
  if (document.activeElement !== at("base")) at("base").value = rate(all.base_rate);
  setPhase(all.phase, all.words);
  rows();
  mistakes(all.mistakes);
  filters(all.filters);
  changed();
}

function step(one) {
  now = one;
  points.push([one.number, one.loss, one.accuracy, one.rate]);
  if (points.length > MOST) points = points.filter((_, n) => n % 2 === 1);
  changed(one.at);
}

const events = new EventSource("/events");
const on = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
on("hello", hello);
on("step", step);
on("epoch", (line) => {
  epochs.push(line);
  rows();
  changed(line.at);
});
on("phase", (all) => {
  setPhase(all.phase, all.words);
  if (OVER.includes(all.phase)) events.close();
  changed();
});
on("rate", (all) => {
  at("base").value = rate(all.base_rate);
  say(`The base learning rate is now ${rate(all.base_rate)}.`);
});
on("mistakes", mistakes);
on("filters", filters);
events.addEventListener("error", () => {
  if (!OVER.includes(phase)) setPhase("lost", "The training cannot be reached; trying again.");
});

function say(text, wrong) {
  at("said").hidden = false;
  at("said").textContent = text;
  at("said").classList.toggle("alarm", Boolean(wrong));
}

async function control(what) {
  try {
    await post("/control", JSON.stringify(what), token);
  } catch (error) {
    say(error.message, true);
  }
}

at("pause").addEventListener("click", () => {
  const resumes = phase === "paused";
  say(resumes ? "Resuming." : "Pausing after the current step.");
  control({ do: resumes ? "resume" : "pause" });
});
at("stop").addEventListener("click", () => {
  say("Stopping after the current step, and saving.");
  control({ do: "stop" });
});
const scaled = (factor) => () => { at("base").value = rate(Number(at("base").value.replace(",", ".")) * factor || 0); };
at("half").addEventListener("click", scaled(0.5));
at("double").addEventListener("click", scaled(2));
at("controls").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("base").value.trim().replace(",", ".");
  const value = Number(text);
  if (text === "" || !(value >= 0) || !Number.isFinite(value)) say(`Got “${text}”, expected a number from 0.`, true);
  else control({ do: "rate", rate: value });
});

let shown = null; // the picture, as the network sees it
let name = "";

function opinion(all) {
  at("opinion").hidden = false;
  bars(at("bars"), all, about.classes);
}

takesPictures(at("drop"), PICTURE, async (file) => {
  at("picture-words").textContent = `${file.name}: waiting for the prediction.`;
  try {
    const all = await post("/predict", form(file), token);
    shown = bytes(all.pixels);
    name = all.image;
    picture(at("seen"), shown, about.size[0], about.size[1], 1);
    at("picture-words").textContent = `${words(all)}, after step ${grouped(all.number)}. ${all.notes.join(", ")}.`;
    opinion(all);
  } catch (error) {
    at("picture-words").textContent = error.message;
  }
}, (problem) => { at("picture-words").textContent = problem; });

// The prediction follows the weights, silently: screen readers do not read it out each time.
setInterval(async () => {
  if (!shown || document.hidden || !["training", "evaluating"].includes(phase)) return;
  try {
    const mine = shown;
    const all = await post("/look", mine, token);
    if (mine === shown) opinion({ ...all, image: name });
  } catch {
    // The next request may succeed.
  }
}, AGAIN);

addEventListener("resize", () => changed());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => changed());
