// Shapes on a grid of pixels. Each calls put(index, coverage), with a coverage from 1 to 255.

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function rows(grid, left, top, right, bottom, at) {
  const x0 = clamp(Math.floor(left), 0, grid.width), x1 = clamp(Math.ceil(right), 0, grid.width);
  const y0 = clamp(Math.floor(top), 0, grid.height), y1 = clamp(Math.ceil(bottom), 0, grid.height);
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) at(x, y, y * grid.width + x);
}

// A stroke of a round brush from one point to another. Softness, from 0 to 1, is the share of the
// radius over which the edge fades.
export function stroke(grid, from, to, radius, softness, put) {
  const r = Math.max(radius, 0.5), fade = Math.max(r * softness, 1e-6);
  const dx = to.x - from.x, dy = to.y - from.y, square = dx * dx + dy * dy;
  rows(grid, Math.min(from.x, to.x) - r, Math.min(from.y, to.y) - r,
    Math.max(from.x, to.x) + r, Math.max(from.y, to.y) + r, (x, y, index) => {
      const px = x + 0.5 - from.x, py = y + 0.5 - from.y;
      const along = square ? clamp((px * dx + py * dy) / square, 0, 1) : 0;
      const distance = Math.hypot(px - along * dx, py - along * dy);
      const coverage = Math.round(255 * clamp((r - distance) / fade, 0, 1));
      if (coverage) put(index, coverage);
    });
}

export function rectangle(grid, a, b, put) {
  rows(grid, Math.min(a.x, b.x), Math.min(a.y, b.y), Math.max(a.x, b.x), Math.max(a.y, b.y),
    (x, y, index) => put(index, 255));
}

export function ellipse(grid, a, b, put) {
  const x0 = (a.x + b.x) / 2, y0 = (a.y + b.y) / 2;
  const rx = Math.max(Math.abs(a.x - b.x) / 2, 0.5), ry = Math.max(Math.abs(a.y - b.y) / 2, 0.5);
  rows(grid, x0 - rx, y0 - ry, x0 + rx, y0 + ry, (x, y, index) => {
    if (((x + 0.5 - x0) / rx) ** 2 + ((y + 0.5 - y0) / ry) ** 2 <= 1) put(index, 255);
  });
}

// The inside of an outline, by the even-odd rule.
export function polygon(grid, points, put) {
  const ys = points.map(point => point.y);
  const top = clamp(Math.floor(Math.min(...ys)), 0, grid.height);
  const bottom = clamp(Math.ceil(Math.max(...ys)), 0, grid.height);
  for (let y = top; y < bottom; y++) {
    const crossings = [];
    points.forEach((a, number) => {
      const b = points[(number + 1) % points.length], line = y + 0.5;
      if (a.y <= line !== b.y <= line) {
        crossings.push(a.x + (line - a.y) / (b.y - a.y) * (b.x - a.x));
      }
    });
    crossings.sort((a, b) => a - b);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const last = clamp(Math.round(crossings[pair + 1]), 0, grid.width);
      for (let x = clamp(Math.round(crossings[pair]), 0, grid.width); x < last; x++) {
        put(y * grid.width + x, 255);
      }
    }
  }
}

// The region of equal paint around a point: what an outline encloses, or an area of one colour.
export function flood(grid, point, paint, put) {
  const {width, height} = grid, x = Math.floor(point.x), y = Math.floor(point.y);
  if (x < 0 || y < 0 || x >= width || y >= height) return;
  const start = y * width + x, wanted = paint[start] > 127;
  const seen = new Uint8Array(width * height), open = [start];
  seen[start] = 1;
  while (open.length) {
    const index = open.pop(), column = index % width;
    put(index, 255);
    for (const next of [
      column > 0 ? index - 1 : -1, column < width - 1 ? index + 1 : -1,
      index - width, index + width,
    ]) {
      if (next < 0 || next >= seen.length || seen[next] || paint[next] > 127 !== wanted) continue;
      seen[next] = 1;
      open.push(next);
    }
  }
}
