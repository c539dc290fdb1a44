import { useId } from 'react';
import { useText } from '../../page/use-text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { type PrintSettings, papers } from './print-settings.ts';
import { texts } from './strings.ts';

/** What staff set once for the printer of a device. */
export function PrintDialog(props: {
  settings: PrintSettings;
  onChange(changed: Partial<PrintSettings>): void;
  onClose(): void;
}) {
  const { settings, onChange, onClose } = props;
  const text = useText(texts);
  const name = useId();
  return (
    <Dialog title={text('printing')} onClose={onClose}>
      <fieldset className="kiosk-choices">
        <legend>{text('paper')}</legend>
        {papers.map((paper) => (
          <label key={paper}>
            <input
              type="radio"
              name={name}
              checked={settings.paper === paper}
              onChange={() => onChange({ paper })}
            />
            {text(paper)}
          </label>
        ))}
      </fieldset>
      <div className="kiosk-choices">
        <label>
          <input
            type="checkbox"
            checked={settings.isAutomatic}
            disabled={settings.paper === 'none'}
            onChange={({ target }) => onChange({ isAutomatic: target.checked })}
          />
          {text('automatic')}
        </label>
      </div>
      <p className="muted small">{text('printingHint')}</p>
    </Dialog>
  );
}
