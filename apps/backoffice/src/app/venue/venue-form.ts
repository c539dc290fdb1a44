import { fieldLimits } from '@queue-manager/contracts/field-limits';
import { injectText } from '../parts/language.ts';
import { type Form, type FormOptions, injectForm } from '../session/form.ts';
import { texts } from './strings.ts';

const numberRanges = {
  maxPartySize: [1, fieldLimits.partySizeMax],
  maxWaiting: [1, fieldLimits.waitingMax],
  graceMinutes: [1, fieldLimits.callGraceSecondsMax / 60],
  capacity: [1, fieldLimits.capacityMax],
  retentionDays: [1, fieldLimits.retentionDaysMax],
} as const;
type NumberField = keyof typeof numberRanges;

const isNumberField = (name: string): name is NumberField => name in numberRanges;
const titles = ['name', 'queueName'];
const longTexts = ['text', 'endMessage'];

/**
 * The state of a form about a venue or a queue, and what is wrong with its fields. The same words tell what a check before
 * sending has found, and what the server has.
 */
export function injectVenueForm<Name extends string>(
  options: Omit<FormOptions<Name>, 'invalid'> = {},
): { form: Form<Name>; faultIn(name: Name, value: string): string | null } {
  const text = injectText(texts);
  function invalid(name: Name): string {
    if (isNumberField(name)) {
      const [min, max] = numberRanges[name];
      return text('numberInvalid', { min, max });
    }
    if (titles.includes(name)) return text('lineInvalid', { n: fieldLimits.titleLengthMax });
    if (longTexts.includes(name)) return text('textInvalid', { n: fieldLimits.textLengthMax });
    return text('valueInvalid');
  }
  return {
    form: injectForm({ ...options, invalid }),
    /** An empty number stands for no limit. */
    faultIn(name, value) {
      const isRight = isNumberField(name)
        ? value === '' || isWhole(value, numberRanges[name])
        : !titles.includes(name) || isTitle(value);
      return isRight ? null : invalid(name);
    },
  };
}

function isWhole(value: string, [min, max]: readonly [number, number]): boolean {
  const number = Number(value);
  return Number.isInteger(number) && number >= min && number <= max;
}

function isTitle(value: string): boolean {
  const { length } = [...value.trim()];
  return length > 0 && length <= fieldLimits.titleLengthMax;
}
