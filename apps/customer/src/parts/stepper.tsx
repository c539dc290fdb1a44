import { useId } from 'react';
import { useText } from '../page/use-text.ts';
import { Icon } from './icon.tsx';
import './stepper.css';
import { texts } from './strings.ts';

/** A small number by two buttons; also typed, or with the arrow keys. */
export function Stepper(props: {
  label: string;
  value: number;
  min: number;
  max: number;
  onChange(value: number): void;
  hint?: string | undefined;
}) {
  const { label, value, min, max, onChange, hint } = props;
  const text = useText(texts);
  const id = useId();
  const step = (by: number) => onChange(Math.min(max, Math.max(min, value + by)));
  return (
    <div className="stack-close">
      <label className="stepper-label" htmlFor={id}>
        {label}
      </label>
      <div className="stepper">
        <button
          type="button"
          aria-label={text('fewer')}
          aria-disabled={value <= min}
          onClick={() => step(-1)}
        >
          <Icon name="minus" />
        </button>
        <input
          id={id}
          type="number"
          inputMode="numeric"
          min={min}
          max={max}
          value={value}
          aria-describedby={hint === undefined ? undefined : `${id}-hint`}
          onChange={({ target }) => {
            const typed = Math.trunc(target.valueAsNumber);
            if (typed >= min) onChange(Math.min(max, typed));
          }}
          // A digit that is typed takes the place of the number instead of following it.
          onFocus={({ target }) => target.select()}
        />
        <button
          type="button"
          aria-label={text('more')}
          aria-disabled={value >= max}
          onClick={() => step(1)}
        >
          <Icon name="plus" />
        </button>
      </div>
      {hint !== undefined && (
        <p id={`${id}-hint`} className="muted small">
          {hint}
        </p>
      )}
    </div>
  );
}
