import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { mergedOpenApi } from './openapi/openapi.ts';
import {
  Email,
  Locale,
  mailboxOf,
  Notes,
  normaliseEmail,
  PersonName,
  Phone,
  TimeOfDay,
  Timezone,
} from './values.ts';

const accepts = (schema: z.ZodType) => (value: string) => schema.safeParse(value).success;
const patternOf = (schema: z.ZodType) =>
  (z.toJSONSchema(schema, { io: 'input' }) as { pattern: string }).pattern;

const shown = {
  name: [
    ...[
      'Ana',
      'Carlos',
      'José',
      'Jose\u0301',
      "Zoë O'Brien-Ñandú",
      'Nguyễn Thị Ánh',
      'Weiß',
      'İsmail',
    ],
    ...[
      'Владимир',
      'Ελένη',
      'محمد',
      'علی\u200cرضا',
      'דוד',
      'नरेन्द्र',
      'সুমি',
      'สมชาย',
      'ლევან',
      'Արամ',
    ],
    ...[
      '山田太郎',
      '𠮷野家',
      '김민수',
      'ᠮᠣᠩᠭᠣᠯ',
      'ක්\u200dෂ',
      '👩‍👩‍👧',
      '❤\ufe0f',
      '🏴\u{e0067}\u{e0062}\u{e007f}',
      '𝔄𝔫𝔞',
    ],
    ...[
      '  Ana ',
      'Ana\n',
      '\u200bAna',
      '\u2068Ana\u2069',
      '\u00a0Ana\u3000',
      '\ufeffAna',
      '1-2',
      '{c}',
    ],
  ],
  notShown: [
    ...[
      '',
      ' ',
      '\t\n',
      '\u00a0',
      '\u3000',
      '\u200b',
      '\u2800',
      '\u3164',
      '\u00ad',
      '\u2060',
      '\ufe0f',
    ],
    ...[
      '\u200b \u00ad',
      '\u200e\u200f',
      '\u115f\u1160',
      '\u034f',
      '\u061c',
      '\uffa0',
      '\u180e',
      '\ufeff',
    ],
    ...[
      'a\u202eb',
      'a\u2066b',
      'a\nb',
      'a\tb',
      'a\u0000',
      '\u0007a',
      'a\u007f',
      'a\u0085b',
      'a\u2028b',
      '\u200b\u0001a',
    ],
  ],
};

const cases: {
  [name: string]: { schema: z.ZodType; yes: string[]; no: string[]; more?: string[] };
} = {
  PersonName: {
    schema: PersonName,
    yes: shown.name,
    no: shown.notShown,
    more: ['\u{e0020}', '\u{e0020}\u{1d173}', '\ud83d', 'a\udc00'],
  },
  Notes: {
    schema: Notes,
    yes: ['', 'By the window\r\n\tplease', '👶 × 2', '𠮷', ...shown.name],
    no: ['a\u0000', 'bell\u0007', '\u007f', 'a\u0085'],
    more: ['\ud83d'],
  },
  Email: {
    schema: Email,
    yes: [
      ...[
        'ana@example.org',
        'Ana.Lima+q@sub.example.co.uk',
        'ana@example.xn--p1ai',
        'ana@xn--bcher-kva.de',
      ],
      ...['ana/bar@example.org', 'ana&rui@example.org', 'x!y@example.org', "o'brien@example.org"],
      ...[
        '#$%*=?^`{|}~@example.org',
        '1@1.example',
        ' ana@example.org\n',
        '\u202aana@example.org\u202c',
        'ana@example.org\u200b',
      ],
      ...[
        'ana@münchen.de',
        'ana@Пример.рф',
        'ana@例え。co.jp',
        'ana@a.bücher-1.example',
        'ana@💌.example',
      ],
    ],
    no: [
      ...[
        '',
        'x@',
        '@example.org',
        'ana',
        'ana@localhost',
        'a..b@example.org',
        '.a@example.org',
        'a.@example.org',
      ],
      ...[
        'a b@example.org',
        'a@b@example.org',
        'a@-b.org',
        'a@b-.org',
        'a@b..org',
        'a@b.org.',
        'a@1.2.3.4',
        'a@b.c_d',
      ],
      ...[
        '"a b"@example.org',
        'Ana <ana@example.org>',
        'jos\u00e9@example.org',
        'a@[::1]',
        'a,b@example.org',
      ],
      ...[
        'ana@münchen',
        'ana@-münchen.de',
        'ana@mün chen.de',
        'ana@münchen.de/x',
        'ana@münchen.de:25',
        'ana@mün_chen.de',
        'ana@mün%63hen.de',
        'ana@ana@münchen.de',
        'ana@münchen..de',
      ],
    ],
    // Nobody can register these.
    more: [
      'ana@exam\u200bple.org',
      'ana@１２７.example.１',
      'ana@a\ufffdb.example',
      'ana@ａ／ｂ.example',
      'ana@ö.xn--a.example',
    ],
  },
  Phone: {
    schema: Phone,
    yes: [
      ...[
        '+44 (0)20 7946 0958',
        '\u202a+44 20 7946 0958\u202c',
        '+44\u00a020\u00a07946\u00a00958',
        '+44\u201120\u20117946\u20110958',
      ],
      ...[
        '(+44) 20 7946 0958',
        '020 7946 0958',
        '(351) 912.345.678',
        '+٤٤٢٠٧٩٤٦٠٩٥٨',
        '０３－１２３４－５６７８',
        ' +351912345678\t',
      ],
    ],
    no: [
      '',
      '12',
      'call me',
      '+',
      '++44 20 7946 0958',
      '+44 20 7946 0958 ext 3',
      '1'.repeat(21),
      '0800-FLOWERS',
      '🎉1234',
    ],
  },
  Locale: {
    schema: Locale,
    yes: ['en', 'pt-PT', 'zh-Hant-TW', 'de-1996'],
    no: ['x y', 'en_GB', '-en', '12'],
    more: ['abcd', 'en-a'],
  },
  Timezone: {
    schema: Timezone,
    yes: [
      'UTC',
      'Europe/Lisbon',
      'America/Argentina/Buenos_Aires',
      'Etc/GMT+5',
      'America/Port-au-Prince',
    ],
    no: ['', '+01:00', '-05:00', 'Europe/', 'Europe Lisbon'],
    more: ['Mars/Olympus_Mons'],
  },
  TimeOfDay: { schema: TimeOfDay, yes: ['05:00', '23:59'], no: ['24:00', '5:00', '05:00 '] },
};

describe('a published pattern', () => {
  const samples = Object.values(cases).flatMap(({ yes, no, more = [] }) => [
    ...yes,
    ...no,
    ...more,
  ]);

  it('means the same with and without the flags u and v, for every text', () => {
    const found = new Set(
      JSON.stringify(mergedOpenApi()).match(/(?<="pattern":)"(?:[^"\\]|\\.)*"/g),
    );
    assert.ok(found.size >= Object.keys(cases).length);
    for (const published of found) {
      const pattern: string = JSON.parse(published);
      const [plain, ...flagged] = ['', 'u', 'v'].map((flags) => new RegExp(pattern, flags));
      for (const sample of samples.filter((text) => text.isWellFormed())) {
        for (const each of flagged) {
          assert.equal(each.test(sample), plain?.test(sample), `${each} ${JSON.stringify(sample)}`);
        }
      }
    }
  });

  for (const [name, { schema, yes, no, more = [] }] of Object.entries(cases)) {
    it(`of ${name} matches what the server accepts`, () => {
      const pattern = new RegExp(patternOf(schema), 'u');
      const wrong = (texts: string[], server: boolean, published: boolean) =>
        texts.filter(
          (text) => accepts(schema)(text) !== server || pattern.test(text) !== published,
        );
      assert.deepEqual(wrong(yes, true, true), []);
      assert.deepEqual(wrong(no, false, false), []);
      // What only the server can tell.
      assert.deepEqual(wrong(more, false, true), []);
    });
  }

  it('has neither Unicode properties nor look-around nor line breaks that generators unescape', () => {
    const published = JSON.stringify(mergedOpenApi().paths);
    assert.doesNotMatch(published, /\\\\p\{|\(\?<?[=!]|\\\\u(?:2028|2029|000a|000d)/);
  });
});

describe('text that people enter', () => {
  it('is measured in characters, as JSON Schema does', () => {
    assert.ok(accepts(PersonName)('🎉'.repeat(80)));
    assert.ok(!accepts(PersonName)('🎉'.repeat(81)));
    assert.ok(accepts(Notes)('🎉'.repeat(1_000)));
    assert.ok(!accepts(Notes)('🎉'.repeat(1_001)));
  });

  it('loses what was copied along with it, and keeps what belongs to its letters', () => {
    assert.equal(PersonName.parse('\u2068 \u200bAna \u2069\n'), 'Ana');
    assert.equal(PersonName.parse(' ❤\ufe0f '), '❤\ufe0f');
    assert.equal(Email.parse('\u202aana@example.org\u202c\u200b'), 'ana@example.org');
    assert.equal(normaliseEmail('\u200b Ana@Example.org\u202c'), 'ana@example.org');
    assert.equal(Phone.parse('\u202a+44\u00ad20 7946 0958\u202c'), '+4420 7946 0958');
  });

  it('has the domain of an e-mail in ASCII, so that its spellings are one address', () => {
    for (const [entered, kept] of [
      ['Ana@MÜNCHEN.example', 'Ana@xn--mnchen-3ya.example'],
      ['Ana@mu\u0308nchen.example', 'Ana@xn--mnchen-3ya.example'],
      ['ana@例え。co.jp', 'ana@xn--r8jz45g.co.jp'],
      ['ana@straße.example', 'ana@xn--strae-oqa.example'],
      ['ana@Example.org', 'ana@Example.org'],
    ] as const) {
      assert.equal(Email.parse(entered), kept);
      assert.equal(normaliseEmail(entered), kept.toLowerCase());
    }
    assert.equal(mailboxOf('ana+1@münchen.example'), 'ana@xn--mnchen-3ya.example');
    assert.equal(normaliseEmail('ana@münchen.de/x'), 'ana@münchen.de/x');
  });

  it('is checked in linear time', () => {
    // Quadratic time or worse would not finish.
    for (const part of [' ', '\u200b', 'a', '\u0001', 'a.', '1', '- ', '@a', 'ü', 'ü。', 'a@ü.']) {
      const hostile = `${part.repeat(250_000)}x${part.repeat(250_000)}!`;
      for (const { schema } of Object.values(cases)) schema.safeParse(hostile);
      normaliseEmail(hostile);
    }
  });
});
