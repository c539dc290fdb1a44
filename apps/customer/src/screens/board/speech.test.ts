import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { voiceFor } from './speech.ts';

const voice = (lang: string, localService = true) => ({ lang, localService, default: false });

describe('voiceFor', () => {
  it('prefers the region, then a voice of the device', () => {
    const voices = [voice('pt-BR'), voice('en_US'), voice('pt-PT', false), voice('pt-AO', false)];
    assert.equal(voiceFor(voices, 'pt-PT')?.lang, 'pt-PT');
    assert.equal(voiceFor(voices, 'pt')?.lang, 'pt-BR');
    assert.equal(voiceFor(voices, 'en-GB-u-nu-latn')?.lang, 'en_US');
  });

  it('finds none in another language', () => {
    assert.equal(voiceFor([voice('en-US')], 'ar'), null);
  });
});
