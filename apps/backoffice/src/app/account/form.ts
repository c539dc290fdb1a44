import { passwordLength } from '@queue-manager/contracts/field-limits';
import { injectText } from '../parts/language.ts';
import { type Form, type FormOptions, injectForm as injectAnyForm } from '../session/form.ts';
import { texts } from './strings.ts';

/** The state of a form of the account. */
export function injectForm<Name extends string>(
  options: Omit<FormOptions<Name>, 'invalid'> = {},
): Form<Name> {
  return injectAnyForm({ ...options, invalid: injectInvalidText() });
}

/** What the server found wrong with a field, in words. */
function injectInvalidText(): (field: string, message: string) => string {
  const text = injectText(texts);
  return (field, message) => {
    if (field === 'name') return text('nameInvalid');
    if (field === 'email') return text('emailInvalid');
    // It is the e-mail address or one of many common passwords, which only the server knows.
    return text(message.includes('common') ? 'passwordCommon' : 'passwordIsEmail');
  };
}

/** Checks of fields before they are sent. Each returns what is wrong, or null. */
export function injectChecks() {
  const text = injectText(texts);
  const password = (value: string) => (value === '' ? text('passwordMissing') : null);
  return {
    name: (value: string) => (value.trim() === '' ? text('nameMissing') : null),
    email(value: string) {
      if (value.trim() === '') return text('emailMissing');
      return /^\S+@\S+\.\S+$/.test(value.trim()) ? null : text('emailInvalid');
    },
    password,
    newPassword(value: string) {
      const { length } = [...value];
      if (length === 0) return password(value);
      if (length < passwordLength.min) return text('passwordShort', { n: passwordLength.min });
      return length > passwordLength.max ? text('passwordLong', { n: passwordLength.max }) : null;
    },
  };
}
