// Curves on a canvas: a few lines over the steps of a training. The numbers are in the page's table too.

/** Least and greatest of the finite values. If there are many points, a few outliers are ignored: the first steps of a
 * training would flatten the rest of the curve. */
function range(lines) {
  let [least, most] = [Infinity, -Infinity];
  for (const { points } of lines) {
    const values = points.map(([, y]) => y).filter(Number.isFinite).sort((a, b) => a - b);
    const out = values.length < 60 ? 0 : Math.ceil(values.length * 0.03);
    if (values.length) {
      least = Math.min(least, values[out]);
      most = Math.max(most, values[values.length - 1 - out]);
    }
  }
  return [least, most];
}

/** A step of 1, 2 or 5 times a power of ten that divides `span` into about `parts`. */
function stride(span, parts) {
  const rough = span / parts;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
}

function label(value, step) {
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(1);
  return value.toFixed(Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9))));
}

/** End of an axis whose data reach `now` of `all`: `all`, or the next round number while `all` is far away. */
export function axisEnd(now, all) {
  const wanted = Math.max(1.3 * now, 1);
  return 4 * wanted > all ? all : Math.ceil(wanted / stride(wanted, 4)) * stride(wanted, 4);
}

/** Draws `lines`, each { points: [[x, y]], color, dash, dots }, with x from 0 to `end`; `unit` is the x per unit of `axis`. */
export function draw(canvas, lines, { end, unit, axis, from, to }) {
  const scale = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const style = getComputedStyle(canvas);
  const color = (name) => style.getPropertyValue(name);
  const paper = canvas.getContext("2d");
  paper.save();
  paper.setTransform(scale, 0, 0, scale, 0, 0);
  paper.clearRect(0, 0, width, height);
  paper.font = "12px system-ui, sans-serif";
  let [least, most] = range(lines);
  if (least > most) [least, most] = [0, 1];
  least = Math.min(least, from ?? least);
  most = Math.max(most, to ?? most);
  if (most - least < 1e-12) [least, most] = [least - (Math.abs(least) || 1) / 2, most + (Math.abs(most) || 1) / 2];
  const step = stride(most - least, 4);
  [least, most] = [Math.floor(least / step + 1e-9) * step, Math.ceil(most / step - 1e-9) * step];
  const [left, right, top, bottom] = [52, 10, 8, 34];
  const across = (x) => left + (x / Math.max(end, 1)) * (width - left - right);
  const down = (y) => height - bottom - ((y - least) / (most - least)) * (height - top - bottom);

  paper.lineWidth = 1;
  paper.fillStyle = color("--faint");
  paper.strokeStyle = color("--line");
  paper.textBaseline = "middle";
  paper.textAlign = "right";
  for (let n = 0; least + n * step <= most + step / 2; n++) {
    const y = least + n * step;
    paper.beginPath();
    paper.moveTo(left, down(y));
    paper.lineTo(width - right, down(y));
    paper.stroke();
    paper.fillText(label(y, step), left - 6, down(y));
  }
  paper.textBaseline = "top";
  paper.textAlign = "center";
  const whole = Math.max(end / unit, 1e-9);
  const tick = Math.max(stride(whole, 4), whole > 2 ? 1 : 0);
  for (let n = 0; n * tick <= whole + 1e-9; n++) {
    const text = tick >= 1 ? (n * tick).toLocaleString("en") : label(n * tick, tick);
    const most = width - 2 - paper.measureText(text).width / 2;
    paper.fillText(text, Math.min(across(n * tick * unit), most), height - bottom + 4);
  }
  paper.textAlign = "right";
  paper.fillText(axis, width - right, height - 14);

  paper.beginPath();
  paper.rect(left - 4, top - 4, width - left - right + 8, height - top - bottom + 8);
  paper.clip();
  for (const { points, color: name, dash, dots } of lines) {
    paper.strokeStyle = paper.fillStyle = color(name);
    paper.lineWidth = dots ? 2 : 1.5;
    paper.setLineDash(dash || []);
    paper.lineJoin = "round";
    paper.beginPath();
    let begun = false;
    for (const [x, y] of points) {
      if (!Number.isFinite(y)) {
        begun = false;
        continue;
      }
      if (begun) paper.lineTo(across(x), down(y));
      else paper.moveTo(across(x), down(y));
      begun = true;
    }
    paper.stroke();
    paper.setLineDash([]);
    for (const [x, y] of dots ? points : []) {
      if (!Number.isFinite(y)) continue;
      paper.beginPath();
      paper.arc(across(x), down(y), 3, 0, 2 * Math.PI);
      paper.fill();
    }
  }
  paper.restore();
}
