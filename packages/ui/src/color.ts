/** The color of pages whose venue has chosen none. */
export const defaultAccent = '#0f766e';

/** WCAG 2.2: text, and large text or shapes. */
const contrastMin = 4.5;

type Rgb = readonly [number, number, number];

const white: Rgb = [255, 255, 255];
const black: Rgb = [0, 0, 0];
/** The surfaces that tokens.css puts text on: the darkest light one and the lightest dark one. */
const lightSurface: Rgb = [239, 238, 234];
const darkSurface: Rgb = [43, 45, 42];

/** What tokens.css needs to know of an accent color, as custom properties. */
export function accentProperties(accent: string | null): Record<string, string> {
  const fill = rgbOf(accent ?? defaultAccent);
  return {
    '--accent': hexOf(fill),
    '--on-accent': hexOf(contrast(fill, white) >= contrast(fill, black) ? white : black),
    '--accent-text-light': hexOf(readable(fill, lightSurface, black)),
    '--accent-text-dark': hexOf(readable(fill, darkSurface, brightest(fill), white)),
  };
}

/** Applies an accent color to an element and all below it; allowed by a policy without inline styles. */
export function applyAccent(element: HTMLElement, accent: string | null): void {
  for (const [name, value] of Object.entries(accentProperties(accent))) {
    element.style.setProperty(name, value);
  }
}

/** The color itself, or the first on the way to the others that can be read on the surface. */
function readable(color: Rgb, surface: Rgb, ...others: Rgb[]): Rgb {
  let from = color;
  for (const to of others) {
    for (let share = 0; share < 1; share += 0.05) {
      const [red, green, blue] = from.map((part, at) =>
        Math.round(part + ((to[at] ?? 0) - part) * share),
      ) as [number, number, number];
      if (contrast([red, green, blue], surface) >= contrastMin) return [red, green, blue];
    }
    from = to;
  }
  return from;
}

/** As bright as the color gets without becoming pale. */
function brightest([red, green, blue]: Rgb): Rgb {
  const most = Math.max(red, green, blue, 1);
  return [red, green, blue].map((part) => (part / most) * 255) as unknown as Rgb;
}

/** The contrast ratio of two colors, from 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(rgb: Rgb): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export function rgbOf(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function hexOf(rgb: Rgb): string {
  return `#${rgb.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
