import { crc32, deflateSync } from 'node:zlib';

const WIDTH = 480;
const HEIGHT = 300;

type Colour = [red: number, green: number, blue: number];

/** Sky, sea, a quay and a ferry, painted from rectangles and one slope; the first that covers the point wins. */
const colourAt = (x: number, y: number): Colour => {
  const hull = y >= 168 && y < 205 && x > 90 + (y - 168) && x < 400 - (y - 168) / 2;
  if (x >= 430 && y >= 180) return [92, 84, 76];
  if (x > 255 && x < 280 && y > 88 && y < 122) return y < 98 ? [24, 80, 107] : [200, 85, 61];
  const window = y > 146 && y < 156 && x > 155 && x < 360 && x % 20 < 12;
  if (window) return [40, 66, 92];
  if (x > 140 && x < 370 && y >= 138 && y < 168) return [246, 246, 240];
  if (x > 180 && x < 300 && y >= 120 && y < 138) return [232, 234, 230];
  if (hull) return y > 196 ? [200, 85, 61] : [24, 80, 107];
  if (y >= 190) return (x + y * 7) % 53 < 9 ? [108, 158, 178] : [62, 118, 142];
  return [Math.round(168 + y / 4), Math.round(200 + y / 6), 232];
};

const part = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
};

/** A PNG of a ferry at its berth, 480 by 300 pixels: the sample company's one file without words. */
export const berthPicture = (): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH, 0);
  header.writeUInt32BE(HEIGHT, 4);
  // Eight bits a channel, colour type 2 (RGB).
  header.set([8, 2], 8);
  const row = 1 + WIDTH * 3;
  const pixels = Buffer.alloc(row * HEIGHT);
  for (let y = 0; y < HEIGHT; y += 1)
    for (let x = 0; x < WIDTH; x += 1) pixels.set(colourAt(x, y), y * row + 1 + x * 3);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    part('IHDR', header),
    part('IDAT', deflateSync(pixels)),
    part('IEND', Buffer.alloc(0)),
  ]);
};
