import { invalidField } from '@queue-manager/service-kit/problems';
import {
  type CountryCode,
  getCountries,
  parseDigits,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/min';
import type { VenueFacts } from '../access/membership.ts';

type Place = Pick<VenueFacts, 'timezone' | 'locale'>;

/** Without these, Node knows timezones as `timeZones`. */
type LocaleZones = { getTimeZones?: () => string[]; timeZones?: string[] };
const countryOfZone = new Map(
  getCountries().flatMap((country) => {
    const locale = new Intl.Locale('und', { region: country }) as LocaleZones;
    return (locale.getTimeZones?.() ?? locale.timeZones ?? []).map((zone) => [zone, country]);
  }),
);

/**
 * A phone number that can be dialled from anywhere, in E.164. A number without a country code is one of the venue's
 * country; its digits are kept where that is unknown. Null and undefined stay. Throws `validation-failed`.
 */
export function dialablePhone<T extends string | null | undefined>(written: T, place: Place) {
  return (written ? parse(written.normalize('NFKC'), countryOf(place)) : written) as T;
}

function parse(written: string, country: CountryCode | undefined): string {
  // A tourist dials 00 for the plus wherever they are; the (0) is dialled only without the country code.
  for (const form of [written, written.replace(/^\D*00/, '+')]) {
    for (const dialled of [form, form.replace('(0)', '')]) {
      const number = parsePhoneNumberFromString(dialled, country);
      // New ranges are unknown here: a country code is proof enough of what a caller means.
      const isMeant = dialled.includes('+') ? number?.isPossible() : number?.isValid();
      if (number !== undefined && isMeant) return number.number;
    }
  }
  const digits = parseDigits(written);
  if (country === undefined && !written.includes('+') && digits.length <= 15) return digits;
  throw invalidField('phone', 'must be a complete phone number such as +351 912 345 678');
}

function countryOf({ timezone, locale }: Place): CountryCode | undefined {
  const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions();
  return countryOfZone.get(timeZone) ?? (new Intl.Locale(locale).region as CountryCode | undefined);
}
