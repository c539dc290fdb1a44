import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { findPhoneNumbersInText } from 'libphonenumber-js';
import { LinkifyIt } from 'linkify-it';
import { inertName, isInert } from './inert-name.ts';

const linkify = new LinkifyIt()
  .tlds(['example', 'ws', 'com', 'भारत', 'рф'], true)
  .set({ fuzzyIP: true });

/** What mail clients may read a name as: they ignore characters without a width, and read look-alikes. */
function readings(name: string): string[] {
  const plain = name.replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  return [name, plain, plain.replace(/[。．｡․۔ꓸ·•]/g, '.'), plain.normalize('NFKC')];
}

function assertInert(name: string): void {
  for (const reading of readings(inertName(name))) {
    assert.equal(linkify.match(reading), null, reading);
    for (const country of ['US', 'GB', 'PT', 'DE'] as const) {
      const numbers = findPhoneNumbersInText(reading, country);
      // It takes any four digits for a German number; mail clients take years and table numbers for none.
      assert.ok(!numbers.some(({ number }) => number.nationalNumber.length > 4), reading);
    }
  }
}

describe('inertName', () => {
  it('keeps ordinary names', () => {
    for (const name of [
      'Café Zé',
      'Dr. Ana Maria',
      'J.R. Smith',
      'Studio 54',
      'Open 24/7, from 12:30',
      'O’Neil & Sons: Bar',
      '居酒屋 さくら',
      'خوش‌آمدید',
      '👨‍👩‍👧 & 👩🏽‍🍳',
      '...',
    ]) {
      assert.equal(inertName(name), name);
      assert.ok(isInert(name), name);
    }
  });

  it('regards two Unicode forms of a name as the same', () => {
    assert.ok(isInert('Zoe\u0308 ﬁne'));
  });

  it('breaks addresses, in whatever characters', () => {
    for (const [name, expected] of [
      ['Win at https://evil.example/prize', 'Win at https: / /evil. example/prize'],
      ['Go to www.evil.example', 'Go to www. evil. example'],
      ['evil.com', 'evil. com'],
      ['Prize at ❤.ws', 'Prize at ❤. ws'],
      ['evil。com/x', 'evil。 com/x'],
      ['evil．com', 'evil. com'],
      ['evil․com', 'evil. com'],
      ['evil۔com', 'evil۔ com'],
      ['कंपनी.भारत', 'कंपनी. भारत'],
      ['http:1.2.3.4/x', 'http: 1. 2. 3. 4/x'],
      ['ｈｔｔｐ：／／evil', 'http: / /evil'],
      ['evil.\u200bcom', 'evil. com'],
      ['evil\u2060.c\u00adom', 'evil. com'],
      ['evil.\u0301com', 'evil. \u0301com'],
      ['ⓔⓥⓘⓛ.ⓒⓞⓜ', 'evil. com'],
      ['ana@evil', 'ana@ evil'],
      ['mailto:ana', 'mailto: ana'],
      ['\\\\server\\share', '\\ \\server\\share'],
    ] as const) {
      assert.equal(inertName(name), expected);
      assert.ok(!isInert(name), name);
      assertInert(name);
    }
  });

  it('cuts phone numbers, in whatever digits', () => {
    for (const [name, expected] of [
      ['Call 0800123456 now', 'Call 0800… now'],
      ['Call +44 (0)20 7946 0958', 'Call +44 (…'],
      ['555-1234', '555-…'],
      ['1．。． 0800', '1.。. …'],
      ['１２３４５６７８９', '1234…'],
      ['٠٨٠٠١٢٣٤٥', '٠٨٠٠…'],
      ['9\u200b1\u200b2\u200b3\u200b4\u200b5\u200b6\u200b7\u200b8', '9123…'],
    ] as const) {
      assert.equal(inertName(name), expected);
      assert.ok(!isInert(name), name);
      assertInert(name);
    }
  });

  it('leaves neither links nor numbers in any mixture of their parts', () => {
    const parts = ['evil', 'com', 'ws', '.', '。', '．', '/', '//', ':', '@', 'www', 'http', ' '];
    const odd = ['\u200b', '\u0301', '\u2060', '❤', '-', '(', ')', '+', '0800', '123', '٤', '1'];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...parts, ...odd), { maxLength: 14 }).map((each) => each.join('')),
        assertInert,
      ),
      { numRuns: 2_000 },
    );
  });
});
