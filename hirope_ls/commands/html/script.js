"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const svg = document.getElementById("picture"), tip = document.getElementById("tip");
const L = data.trained_length, N = data.tokens, units = data.units, lines = data.shapes.length;
const fmt = (n) => n.toLocaleString("en-US");
const times = (n) => { const r = n / L; return (r >= 10 ? r.toFixed(0) : r.toFixed(1)) + "×"; };
const longest = units.reduce((most, u) => Math.max(most, u.tokens), 0);

document.getElementById("file").textContent = data.file;
document.getElementById("model").textContent =
  `${fmt(lines)} lines, ${fmt(N)} tokens, read by ${data.model}, which was trained for ${fmt(L)} tokens`;
fact(N > L ? "bad" : "good", `${times(N)} the trained length`,
  N > L ? `plain positions run up to ${fmt(N - 1)}: the model has never seen those past ${fmt(L - 1)}`
        : `plain positions run up to ${fmt(Math.max(N - 1, 0))}: all of them were seen in training`);
const reach = Math.max(units.length, longest);
fact(reach > L ? "bad" : "good", `${fmt(units.length)} units, ${fmt(longest)} tokens at most`,
  `hierarchical positions (unit, token in the unit) ${reach > L ? "reach " + fmt(reach) : "stay below " + fmt(L) + " on both levels"}`);

function fact(kind, big, small) {
  const box = document.getElementById("facts").appendChild(document.createElement("div"));
  box.className = "fact " + kind;
  box.appendChild(document.createElement("b")).textContent = big;
  box.appendChild(document.createElement("span")).textContent = small;
}
function add(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  return svg.appendChild(element);
}
// Blocks of one function share a colour, a little lighter and darker in turn.
let group = 0;
units.forEach((unit, n) => {
  const before = units[n - 1];
  unit.again = n > 0 && unit.name !== "" && before.name === unit.name && before.kind === unit.kind;
  if (!unit.again) group += 1;
  unit.group = group;
  unit.head = unit.again ? before.head : unit;
  unit.head.lastLine = unit.end_line;
});
function hue(unit) { return (unit.group * 137.5 + 68) % 360; }
function colour(unit, wash) {
  const s = unit.kind === "module" || unit.kind === "flat" ? 7 : 52;
  const shade = unit.index % 2 ? 3 : 0;
  return wash ? `light-dark(hsl(${hue(unit)} ${s}% ${94 - shade}%), hsl(${hue(unit)} ${s * 0.5}% ${17 + shade}%))`
              : `light-dark(hsl(${hue(unit)} ${s}% 48%), hsl(${hue(unit)} ${s}% 62%))`;
}

const W = 1124, TOP = 74, GUTTER = 52, SOURCE = { x: GUTTER, w: 400 };
const PLAIN = { x: 520, w: 270 }, HIER = { x: 854, w: 270 };
const row = Math.max(0.6, Math.min(15, 1400 / Math.max(lines, 1)));
const H = Math.max(row * lines, 60);
const y = (line) => TOP + line * row;                       // the upper edge of a line, counted from 0
const yToken = (n) => {                                      // where a token is, between the edges of its line
  let low = 0, high = lines;
  while (high - low > 1) { const mid = (low + high) >> 1; if (data.lineTokens[mid] <= n) low = mid; else high = mid; }
  const first = data.lineTokens[low], next = low + 1 < lines ? data.lineTokens[low + 1] : N;
  return y(low + (next > first ? Math.min(1, (n - first) / (next - first)) : 0));
};
svg.setAttribute("viewBox", `0 0 ${W} ${TOP + H + 20}`);

head(SOURCE.x, "The file, unit by unit", "a function, a class header, or what stands between");
head(PLAIN.x, "Plain position of each token", N > L ? "leaves what was trained and never comes back" : "inside what was trained");
head(HIER.x, "Hierarchical position", "unit number, and token number inside it");
function head(x, title, small) {
  add("text", { x, y: 16, class: "head" }, title);
  add("text", { x, y: 33, class: "faint" }, small);
}

// the file
const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].find((n) => n * row >= 26) || 20000;
for (let n = step; n <= lines; n += step)
  add("text", { x: GUTTER - 8, y: y(n - 1) + Math.min(row, 15) * 0.5 + 4, "text-anchor": "end", class: "faint" }, fmt(n));
for (const unit of units) {
  const top = y(unit.start_line - 1), height = Math.max(y(unit.end_line) - top, 0.5);
  add("rect", { x: SOURCE.x, y: top, width: SOURCE.w, height, style: `fill:${colour(unit, true)}` });
  add("rect", { x: SOURCE.x, y: top, width: 4, height, style: `fill:${colour(unit)}` });
}
const character = Math.min(3.4, (SOURCE.w - 20) / 110);
for (let n = 0; n < lines; n++) {
  const [indent, length] = data.shapes[n];
  if (length === 0) continue;
  if (row >= 12 && data.texts.length) {
    add("text", { x: SOURCE.x + 12, y: y(n) + row * 0.75, class: "code" }, data.texts[n].slice(0, 54));
    continue;
  }
  const end = Math.min(length, 110);
  if (indent < end) add("rect", { x: SOURCE.x + 12 + indent * character, y: y(n) + row * 0.2, width: (end - indent) * character,
    height: Math.max(row * 0.6, 0.4), style: `fill:${colour(unitAt(n))};opacity:.62` });
}
if (row < 12) for (const unit of units) {
  if (unit.name && !unit.again && (unit.lastLine - unit.start_line + 1) * row >= 13)
    add("text", { x: SOURCE.x + SOURCE.w - 8, y: y(unit.start_line - 1) + 11, "text-anchor": "end", class: "name" },
      unit.name.length > 34 ? "…" + unit.name.slice(-33) : unit.name);
}
function unitAt(line) {
  let low = 0, high = units.length;
  while (high - low > 1) { const mid = (low + high) >> 1; if (units[mid].start_line - 1 <= line) low = mid; else high = mid; }
  return units[low];
}

// plain positions: as wide as the file is long
const across = Math.max(N, L), px = (n) => PLAIN.x + (n / across) * PLAIN.w, edge = px(Math.min(L, N));
add("rect", { x: PLAIN.x, y: TOP, width: PLAIN.w, height: H, style: "fill:var(--panel);stroke:var(--hair)" });
add("rect", { x: PLAIN.x, y: TOP, width: px(L) - PLAIN.x, height: H, style: "fill:var(--goodwash)" });
if (N > 0) {
  const yL = yToken(Math.min(L, N - 1)), inside = [`${PLAIN.x},${TOP}`], past = [];
  for (let n = 0; n <= lines; n++) {
    const at = n < lines ? data.lineTokens[n] : N;
    if (at <= L) inside.push(`${px(at)},${y(n)}`); else past.push(`${px(at)},${y(n)}`);
  }
  if (N > L) {
    add("polygon", { points: [...inside, `${edge},${yL}`, `${edge},${TOP + H}`, `${PLAIN.x},${TOP + H}`].join(" "),
      style: "fill:var(--good);opacity:.75" });
    add("polygon", { points: [`${edge},${yL}`, ...past, `${edge},${TOP + H}`].join(" "), style: "fill:var(--bad);opacity:.8" });
  } else {
    add("polygon", { points: [...inside, `${PLAIN.x},${TOP + H}`].join(" "), style: "fill:var(--good);opacity:.75" });
  }
}
limit(px(L), "trained: " + fmt(L), N > L ? "start" : "end");
if (N > 1.6 * L) scale(PLAIN.x + PLAIN.w, fmt(N), "end", "bad");

// hierarchical positions: as wide as the trained range
const hx = (n) => HIER.x + (n / L) * HIER.w;
add("rect", { x: HIER.x, y: TOP, width: HIER.w, height: H, style: "fill:var(--goodwash);stroke:var(--hair)" });
for (const unit of units) {
  if (!unit.tokens) continue;
  const top = yToken(unit.first_token), bottom = Math.max(yToken(unit.first_token + unit.tokens), top + 0.5);
  add("polygon", { points: `${HIER.x},${top} ${hx(unit.tokens)},${bottom} ${HIER.x},${bottom}`, style: `fill:${colour(unit)};opacity:.8` });
}
let path = "";
for (const unit of units) {
  if (!unit.tokens) continue;
  const top = yToken(unit.first_token), bottom = yToken(unit.first_token + unit.tokens);
  path += `${path ? "L" : "M"}${hx(unit.index)},${top}L${hx(unit.index)},${bottom}`;
}
add("path", { d: path, style: "fill:none;stroke:var(--ink);stroke-width:2;stroke-linejoin:round" });
limit(HIER.x + HIER.w, "trained: " + fmt(L), "end");
legend();

function limit(x, text, anchor) {
  add("line", { x1: x, y1: TOP - 8, x2: x, y2: TOP + H, style: "stroke:var(--good);stroke-width:1.5;stroke-dasharray:5 3" });
  scale(x, text, anchor, "good");
}
function scale(x, text, anchor, kind) {
  add("text", { x: x + (anchor === "start" ? -2 : 2), y: TOP - 12, "text-anchor": anchor, class: kind }, text);
}
function legend() {
  add("path", { d: `M${HIER.x},${TOP - 16}h16`, style: "stroke:var(--ink);stroke-width:2" });
  add("text", { x: HIER.x + 20, y: TOP - 12 }, "unit");
  add("polygon", { points: `${HIER.x + 54},${TOP - 22} ${HIER.x + 70},${TOP - 11} ${HIER.x + 54},${TOP - 11}`, style: "fill:var(--faint)" });
  add("text", { x: HIER.x + 75, y: TOP - 12 }, "token in it");
}

// details of what the pointer is on
const band = add("rect", { x: SOURCE.x - 4, width: W - SOURCE.x + 4, y: 0, height: 0, rx: 2, visibility: "hidden",
  style: "fill:none;stroke:var(--ink);stroke-width:1.2;pointer-events:none" });
const rule = add("line", { x1: SOURCE.x, x2: W, visibility: "hidden", style: "stroke:var(--ink);opacity:.5;pointer-events:none" });
svg.addEventListener("pointermove", (event) => {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const line = Math.floor((at.y - TOP) / row);
  if (line < 0 || line >= lines || !units.length) return hide();
  const unit = unitAt(line), token = data.lineTokens[line];
  band.setAttribute("y", y(unit.start_line - 1));
  band.setAttribute("height", Math.max(y(unit.end_line) - y(unit.start_line - 1), 1));
  rule.setAttribute("y1", at.y); rule.setAttribute("y2", at.y);
  band.setAttribute("visibility", "visible"); rule.setAttribute("visibility", "visible");
  show(event, unit, line, token);
});
svg.addEventListener("pointerleave", hide);
function hide() { tip.hidden = true; band.setAttribute("visibility", "hidden"); rule.setAttribute("visibility", "hidden"); }
function show(event, unit, line, token) {
  tip.replaceChildren();
  tip.appendChild(document.createElement("code")).textContent =
    `${unit.kind}${unit.name ? " " + unit.name : ""}`;
  const table = tip.appendChild(document.createElement("table"));
  const inside = Math.max(token - unit.first_token, 0);
  for (const [name, value, kind] of [
    ["lines", `${fmt(unit.start_line)} to ${fmt(unit.end_line)}, ${fmt(unit.tokens)} tokens`, ""],
    [`line ${fmt(line + 1)}`, (data.texts[line] || "").trim().slice(0, 60), ""],
    ["plain", `${fmt(token)}${token >= L ? ", " + times(token) + " the trained length" : ""}`, token >= L ? "bad" : "good"],
    ["hierarchical", `unit ${fmt(unit.index)}, token ${fmt(inside)}`, "good"]]) {
    if (!value) continue;
    const tr = table.appendChild(document.createElement("tr"));
    tr.appendChild(document.createElement("td")).textContent = name;
    const td = tr.appendChild(document.createElement("td"));
    td.textContent = value; td.className = kind;
  }
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.min(event.clientX + 16, innerWidth - box.width - 8) + "px";
  tip.style.top = Math.min(event.clientY + 16, innerHeight - box.height - 8) + "px";
}
