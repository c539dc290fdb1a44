import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Phone } from '@queue-manager/contracts/values';
import { isProblem } from '@queue-manager/service-kit/problems';
import { dialablePhone } from './dialable-phone.ts';

const keptIn =
  (timezone: string, locale = 'en') =>
  (written: string) =>
    dialablePhone(Phone.parse(written), { timezone, locale });

it('keeps a number with a country code as E.164, however it was written', () => {
  for (const [written, kept] of [
    ['+44 (0)20 7946 0958', '+442079460958'],
    ['\u202a+44 20 7946 0958\u202c', '+442079460958'],
    ['+44\u00a020\u00a07946\u00a00958', '+442079460958'],
    ['+44\u201120\u20117946\u20110958', '+442079460958'],
    ['(+44) 20 7946 0958', '+442079460958'],
    ['+44 020 7946 0958', '+442079460958'],
    ['0044 (0)20 7946 0958', '+442079460958'],
    ['＋４４　（０）２０　７９４６　０９５８', '+442079460958'],
    ['+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨', '+442079460958'],
    ['+44/20/7946.0958', '+442079460958'],
    ['+49 (0) 30 901820', '+4930901820'],
    ['+351 (0)912 345 678', '+351912345678'],
    // Where the zero is part of the number.
    ['+39 (0)6 1234 5678', '+390612345678'],
    ['+39 06 1234 5678', '+390612345678'],
  ] as const) {
    for (const timezone of ['UTC', 'Europe/Lisbon', 'America/New_York']) {
      assert.equal(keptIn(timezone)(written), kept, `${written} in ${timezone}`);
    }
  }
});

it('gives a local number the country code of the venue', () => {
  for (const [timezone, written, kept] of [
    ['Europe/London', '020 7946 0958', '+442079460958'],
    ['GB', '(020) 7946 0958', '+442079460958'],
    ['Europe/Lisbon', '912 345 678', '+351912345678'],
    ['Europe/Lisbon', '(351) 912.345.678', '+351912345678'],
    ['Europe/Rome', '06 1234 5678', '+390612345678'],
    ['Europe/Moscow', '8 (916) 123-45-67', '+79161234567'],
    ['America/New_York', '(212) 555-0123', '+12125550123'],
    ['America/New_York', '011 44 20 7946 0958', '+442079460958'],
    ['Asia/Kolkata', '098765 43210', '+919876543210'],
    ['Asia/Tokyo', '０３－１２３４－５６７８', '+81312345678'],
  ] as const) {
    assert.equal(keptIn(timezone)(written), kept, `${written} in ${timezone}`);
  }
  assert.equal(keptIn('UTC', 'en-GB')('020 7946 0958'), '+442079460958');
});

it('keeps the digits of a local number where the country is unknown', () => {
  assert.equal(keptIn('UTC')('020 7946 0958'), '02079460958');
});

it('refuses what nobody can dial', () => {
  for (const [timezone, written] of [
    ['UTC', '+44 20'],
    ['UTC', '+999 123456789'],
    ['UTC', '+0 123456789'],
    ['UTC', '1234567890123456'],
    ['Europe/Lisbon', '020 7946 0958'],
    ['Europe/Lisbon', '1234'],
    ['America/New_York', '555-0123'],
  ] as const) {
    assert.throws(
      () => keptIn(timezone)(written),
      (error) => isProblem(error, 'validation-failed'),
      `${written} in ${timezone}`,
    );
  }
});

it('leaves what is not there', () => {
  const venue = { timezone: 'UTC', locale: 'en' };
  assert.equal(dialablePhone(null, venue), null);
  assert.equal(dialablePhone(undefined, venue), undefined);
});
