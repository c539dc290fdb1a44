import { kept } from '@queue-manager/ui/kept';
import { useState } from 'react';

export const papers = ['receipt', 'a6', 'none'] as const;
export type Paper = (typeof papers)[number];

/** What the printer of this device takes, and whether it prints each ticket without being asked. */
export type PrintSettings = { paper: Paper; isAutomatic: boolean };

const name = 'kiosk-print';

export function usePrintSettings() {
  const [settings, setSettings] = useState<PrintSettings>(
    () => kept.get<PrintSettings>(name) ?? { paper: 'receipt', isAutomatic: false },
  );
  const change = (changed: Partial<PrintSettings>) => {
    const next = { ...settings, ...changed };
    kept.set(name, next);
    setSettings(next);
  };
  return [settings, change] as const;
}
