import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineTexts, readerOf, translator } from './text.ts';

const texts = defineTexts({
  en: { hello: 'Hello {name}!', ahead: { one: '{n} party', other: '{n} parties' } },
  pt: {
    hello: 'Olá {name}!',
    ahead: { one: '{n} grupo', many: '{n} grupos', other: '{n} grupos' },
  },
  es: {
    hello: '¡Hola {name}!',
    ahead: { one: '{n} grupo', many: '{n} grupos', other: '{n} grupos' },
  },
  fr: {
    hello: 'Bonjour {name} !',
    ahead: { one: '{n} groupe', many: '{n} de groupes', other: '{n} groupes' },
  },
  de: { hello: 'Hallo {name}!', ahead: { one: '{n} Gruppe', other: '{n} Gruppen' } },
  ar: {
    hello: 'مرحبا {name}!',
    ahead: {
      zero: 'لا',
      one: 'واحدة',
      two: 'اثنتان',
      few: '{n} مجموعات',
      many: '{n} مجموعة',
      other: '{n} مجموعة',
    },
  },
});

describe('translator', () => {
  it('fills in values and picks the plural form of the language', () => {
    const text = (tag: string) => translator(texts, readerOf([tag]));
    assert.equal(text('en')('hello', { name: 'Ana' }), 'Hello Ana!');
    assert.equal(text('en')('ahead', { n: 1 }), '1 party');
    assert.equal(text('en')('ahead', { n: 1_200 }), '1,200 parties');
    // French counts 0 as one.
    assert.equal(text('fr')('ahead', { n: 0 }), '0 groupe');
    assert.equal(text('ar')('ahead', { n: 2 }), 'اثنتان');
    assert.equal(text('ar')('ahead', { n: 3 }), '3 مجموعات');
  });

  it('keeps French punctuation on the line of its word', () => {
    const text = translator(texts, readerOf(['fr']));
    assert.equal(text('hello', { name: 'Ana ?' }), 'Bonjour Ana ?\u00a0!');
  });
});

describe('readerOf', () => {
  it('takes the first language that there is', () => {
    assert.equal(readerOf([null, 'ja', 'de-AT', 'fr']).language, 'de');
    assert.equal(readerOf(['ja']).language, 'en');
    assert.equal(readerOf(['AR-eg']).direction, 'rtl');
  });

  it("formats by the reader's region, with European digits", () => {
    assert.equal(readerOf(['en'], ['pt-BR', 'en-US']).tag, 'en-US-u-nu-latn');
    assert.equal(new Intl.NumberFormat(readerOf(['ar-EG']).tag).format(12), '12');
  });
});
