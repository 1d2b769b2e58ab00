// images/icon.png, drawn pixel by pixel: a staircase of units, each with its tokens. `node scripts/icon.mjs` draws it anew.
import { writeFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";

const SIZE = 128;
const FINE = 4; // samples a side of a pixel, for smooth edges
const GROUND = [16, 38, 63];
const STEPS = [
  [22, 26, 44, [94, 176, 255]],
  [22, 54, 66, [94, 176, 255]],
  [22, 82, 84, [255, 176, 59]],
];

const inside = (x, y, left, top, width, height, radius) => {
  const dx = Math.max(left + radius - x, x - (left + width - radius), 0);
  const dy = Math.max(top + radius - y, y - (top + height - radius), 0);
  return dx * dx + dy * dy <= radius * radius;
};

function colour(x, y) {
  if (!inside(x, y, 0, 0, SIZE, SIZE, 26)) return [0, 0, 0, 0];
  for (const [left, top, width, tone] of STEPS) {
    if (inside(x, y, left, top, width, 18, 5)) return [...((x - left) % 20 < 17 || x > left + width - 6 ? tone : GROUND), 255];
  }
  return [...GROUND, 255];
}

function pixel(x, y) {
  const sum = [0, 0, 0, 0];
  for (let i = 0; i < FINE * FINE; i++) {
    const [r, g, b, a] = colour(x + ((i % FINE) + 0.5) / FINE, y + (Math.floor(i / FINE) + 0.5) / FINE);
    [r * a, g * a, b * a, a].forEach((value, each) => (sum[each] += value));
  }
  const alpha = sum[3];
  return alpha ? [...sum.slice(0, 3).map((value) => Math.round(value / alpha)), Math.round(alpha / (FINE * FINE))] : [0, 0, 0, 0];
}

function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

const head = Buffer.alloc(13);
head.writeUInt32BE(SIZE, 0);
head.writeUInt32BE(SIZE, 4);
head.set([8, 6, 0, 0, 0], 8);
const rows = Array.from({ length: SIZE }, (_, y) => [0, ...Array.from({ length: SIZE }, (_, x) => pixel(x, y)).flat()]);
const png = [chunk("IHDR", head), chunk("IDAT", deflateSync(Buffer.from(rows.flat()), { level: 9 })), chunk("IEND", Buffer.alloc(0))];
writeFileSync("images/icon.png", Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...png]));
