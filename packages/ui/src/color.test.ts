import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { accentProperties, contrast, rgbOf } from './color.ts';

const tokens = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8');
/** The light and the dark value of a token. */
const valuesOf = (name: string) => {
  const [, light = '', dark = ''] =
    new RegExp(`--${name}: light-dark\\((#\\w+), (#\\w+)\\)`).exec(tokens) ?? [];
  return { light: rgbOf(light), dark: rgbOf(dark) };
};
const surfaces = ['background', 'surface', 'raised'].map(valuesOf);

describe('accentProperties', () => {
  it('keeps text readable on and in every accent color', () => {
    for (const accent of ['#ffff00', '#000000', '#ffffff', '#0f766e', '#e11d48', '#777777', null]) {
      const properties = accentProperties(accent);
      const color = (name: string) => rgbOf(properties[name] ?? '');
      assert.ok(contrast(color('--accent'), color('--on-accent')) >= 4.5, `on ${accent}`);
      for (const { light, dark } of surfaces) {
        assert.ok(contrast(color('--accent-text-light'), light) >= 4.5, `${accent} on light`);
        assert.ok(contrast(color('--accent-text-dark'), dark) >= 4.5, `${accent} on dark`);
      }
    }
  });

  it('leaves a color that can be read as it is', () => {
    assert.equal(accentProperties('#1d4ed8')['--accent-text-light'], '#1d4ed8');
  });
});

describe('tokens.css', () => {
  it('starts with the color of a venue that has chosen none', () => {
    for (const [name, value] of Object.entries(accentProperties(null))) {
      assert.ok(tokens.includes(`${name}: ${value};`), `${name}: ${value}`);
    }
  });

  it('has text that can be read on every surface', () => {
    for (const text of ['text', 'muted', 'danger'].map(valuesOf)) {
      for (const { light, dark } of surfaces) {
        assert.ok(contrast(text.light, light) >= 4.5);
        assert.ok(contrast(text.dark, dark) >= 4.5);
      }
    }
  });
});
