import { addDays, type Days, dayOf } from '../night.ts';

/** Periods with a name, as the address of the page has them. */
export const presets = ['tonight', 'lastNight', 'days7', 'days30'] as const;
export type Preset = (typeof presets)[number];

/** Business days, both included. */
export type Period = { from: string; to: string };

export function isPreset(name: string | undefined): name is Preset {
  return presets.some((preset) => preset === name);
}

export function periodOf(preset: Preset, now: number, days: Days): Period {
  const today = dayOf(now, days);
  if (preset === 'lastNight') return { from: addDays(today, -1), to: addDays(today, -1) };
  const before = { tonight: 0, days7: 6, days30: 29 }[preset];
  return { from: addDays(today, -before), to: today };
}
