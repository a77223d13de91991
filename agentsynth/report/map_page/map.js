"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const canvas = byId("map"), pen = canvas.getContext("2d"), stage = byId("stage"), tip = byId("tip");
const total = data.name.length, grid = 9999;
const searched = data.name.map((name, i) =>
  `${name} ${data.owners[data.owner[i]]} ${data.text[i]}`.toLowerCase());
// The smaller side is drawn last, so that neither hides the other.
const order = Array.from({length: total}, (_, i) => i);
if (data.real < total - data.real) order.reverse();
let shown = new Uint8Array(total).fill(1), scale = 1, left = 0, top_ = 0, waiting = false, over = -1;

byId("first").textContent = data.headline[0];
byId("second").textContent = data.headline[1];
for (const [i, name] of data.categories.entries()) {
  const option = document.createElement("option");
  option.value = String(i);
  option.textContent = name;
  byId("category").append(option);
}

const side = () => Math.min(stage.clientWidth, stage.clientHeight) * 0.96;
const atX = (i) => left + (data.x[i] / grid) * side() * scale;
const atY = (i) => top_ + (1 - data.y[i] / grid) * side() * scale;

function draw() {
  waiting = false;
  const ratio = window.devicePixelRatio || 1;
  const width = stage.clientWidth, height = stage.clientHeight;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const zoom = Math.min(4, Math.sqrt(scale));
  const sizes = [data.real, total - data.real].map((n) => (n < 1000 ? 2.6 : n < 8000 ? 1.7 : 1.2) * zoom);
  for (const faint of [true, false]) {
    pen.globalAlpha = faint ? 0.06 : 0.7;
    for (const i of order) {
      if (Boolean(shown[i]) === faint) continue;
      const x = atX(i), y = atY(i);
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      const real = i < data.real, size = sizes[real ? 0 : 1];
      pen.fillStyle = real ? "#3b6ea8" : "#e07a1f";
      if (size < 2) { pen.fillRect(x - size, y - size, 2 * size, 2 * size); continue; }
      pen.beginPath();
      pen.arc(x, y, size, 0, 2 * Math.PI);
      pen.fill();
    }
  }
  if (over >= 0) {
    pen.globalAlpha = 1;
    pen.strokeStyle = "#111";
    pen.lineWidth = 1.5;
    const other = data.nearest[over];
    if (other >= 0) { pen.beginPath(); pen.moveTo(atX(over), atY(over)); pen.lineTo(atX(other), atY(other)); pen.stroke(); }
    pen.beginPath();
    pen.arc(atX(over), atY(over), 6, 0, 2 * Math.PI);
    pen.stroke();
  }
}
function redraw() { if (!waiting) { waiting = true; requestAnimationFrame(draw); } }

function filter() {
  const words = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const category = byId("category").value === "" ? -1 : Number(byId("category").value);
  const sides = [byId("real").checked, byId("synthetic").checked];
  const counts = [0, 0];
  for (let i = 0; i < total; i++) {
    const which = i < data.real ? 0 : 1;
    shown[i] = sides[which] && (category < 0 || data.category[i] === category)
      && words.every((word) => searched[i].includes(word)) ? 1 : 0;
    counts[which] += shown[i];
  }
  byId("count").textContent = `${counts[0]} real, ${counts[1]} synthetic`;
  hover(-1);
  redraw();
}

function whole() {
  scale = 1;
  left = (stage.clientWidth - side()) / 2;
  top_ = (stage.clientHeight - side()) / 2;
  redraw();
}
function zoomAt(x, y, factor) {
  const next = Math.min(200, Math.max(0.5, scale * factor)), change = next / scale;
  left = x - (x - left) * change;
  top_ = y - (y - top_) * change;
  scale = next;
  redraw();
}

function line(text, kind) {
  const made = document.createElement(kind === "b" ? "b" : "div");
  if (kind && kind !== "b") made.className = kind;
  made.textContent = text;
  tip.append(made);
}
function hover(i, x, y) {
  if (i !== over) { over = i; redraw(); }
  tip.hidden = i < 0;
  if (i < 0) return;
  tip.replaceChildren();
  const real = i < data.real, other = data.nearest[i];
  line(data.name[i], "b");
  line(`${real ? "real, server" : "synthetic, domain"} ${data.owners[data.owner[i]]} · ${data.categories[data.category[i]]}`, "whose");
  line(data.text[i]);
  if (other >= 0) line(`nearest ${real ? "synthetic" : "real"}: ${data.name[other]} of ${data.owners[data.owner[other]]}, similarity ${data.similarity[i]}`, "whose");
  tip.style.left = `${Math.max(0, Math.min(x + 14, stage.clientWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${Math.max(0, y + 14 + tip.offsetHeight > stage.clientHeight ? y - tip.offsetHeight - 10 : y + 14)}px`;
}
function under(x, y) {
  let best = -1, least = 81;
  for (let i = 0; i < total; i++) {
    if (!shown[i]) continue;
    const dx = atX(i) - x, dy = atY(i) - y, distance = dx * dx + dy * dy;
    if (distance < least) { least = distance; best = i; }
  }
  return best;
}

let held = null;
canvas.addEventListener("pointerdown", (event) => {
  held = [event.offsetX, event.offsetY];
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointerup", () => { held = null; });
canvas.addEventListener("pointercancel", () => { held = null; });
canvas.addEventListener("pointerleave", () => { if (!held) hover(-1); });
canvas.addEventListener("pointermove", (event) => {
  if (held) {
    left += event.offsetX - held[0];
    top_ += event.offsetY - held[1];
    held = [event.offsetX, event.offsetY];
    hover(-1);
    redraw();
  } else hover(under(event.offsetX, event.offsetY), event.offsetX, event.offsetY);
});
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomAt(event.offsetX, event.offsetY, Math.exp(-event.deltaY * 0.0015));
}, {passive: false});
const middle = (factor) => zoomAt(stage.clientWidth / 2, stage.clientHeight / 2, factor);
byId("in").addEventListener("click", () => middle(1.5));
byId("out").addEventListener("click", () => middle(1 / 1.5));
byId("whole").addEventListener("click", whole);
for (const id of ["real", "synthetic", "category", "text"]) byId(id).addEventListener("input", filter);
window.addEventListener("resize", whole);

function table(title, rows) {
  const names = Object.keys(rows), made = document.createElement("table");
  if (!names.length) return;
  made.createCaption().textContent = title;
  const cells = (values, kind) => {
    const row = made.insertRow();
    for (const value of values) {
      const cell = document.createElement(kind);
      cell.textContent = String(value);
      row.append(cell);
    }
  };
  cells(["category", ...Object.keys(rows[names[0]]).map((key) => key.replace("_", " "))], "th");
  for (const name of names) cells([name, ...Object.values(rows[name])], "td");
  byId("tables").append(made);
}
table("Real tools", data.summary.real_categories);
table("Synthetic tools", data.summary.synthetic_categories);
whole();
filter();
