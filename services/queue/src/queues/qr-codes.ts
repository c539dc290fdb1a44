import { LRUCache } from 'lru-cache';
import { toString as qrToString } from 'qrcode';
import { qrPng } from './qr-png.ts';

/** LRU size of each format. A code takes a few KB of memory, and a few ms of the event loop to make. */
const codesMax = 500;

const kept = <T extends object>(make: (text: string) => Promise<T>) =>
  new LRUCache<string, T>({ max: codesMax, fetchMethod: make });

const pngs = kept(qrPng);
const svgs = kept(async (text) => Buffer.from(await qrToString(text, { type: 'svg' })));

/** A QR code as a picture. Equal ones are made once, so that asking for them again and again keeps nobody waiting. */
export const qrCodes = {
  png: (text: string) => pngs.forceFetch(text),
  svg: (text: string) => svgs.forceFetch(text),
};
