import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { MailContent } from '@queue-manager/contracts/events';
import { findPhoneNumbersInText } from 'libphonenumber-js';
import { LinkifyIt } from 'linkify-it';
import { loadTemplates, type RenderMail } from './render-mail.ts';
import { partyCalled, partyFacts, venueInvitation, verifyAccount } from './testing.ts';

type Alert = Extract<MailContent, { template: 'operator-alert' }>;

const letters: Exclude<MailContent, Alert>[] = [
  verifyAccount,
  {
    template: 'account-exists',
    name: 'Ana',
    link: 'https://queue.example/reset',
  },
  {
    template: 'reset-password',
    name: 'Ana',
    link: 'https://queue.example/reset?token=AbC-123_xyz',
  },
  venueInvitation,
  { template: 'party-joined', ...partyFacts },
  { template: 'party-almost-there', ...partyFacts },
  partyCalled,
  { template: 'party-recalled', graceSeconds: 300, ...partyFacts },
  { template: 'party-no-show', ...partyFacts },
  { template: 'party-removed', lineClosed: false, ...partyFacts },
  { template: 'party-removed', lineClosed: true, ...partyFacts },
  { template: 'party-restored', ...partyFacts },
];

const alert: Alert = {
  template: 'operator-alert',
  queue: 'mails',
  count: 3,
  firstError: '550 5.1.1 the address is unknown here',
  messageIds: ['0198c0de-0000-7000-8000-000000000001', '0198c0de-0000-7000-8000-000000000002'],
};

/** Approximates the visible text of HTML. */
function visible(html: string): string {
  return html.replace(/<style[\s\S]*?<\/style>|<!--[\s\S]*?-->|<[^>]+>/g, ' ').replace(/\s+/g, ' ');
}

describe('loadTemplates', () => {
  let render: RenderMail;
  before(async () => {
    render = await loadTemplates();
  });

  for (const content of letters) {
    for (const locale of ['en-GB', 'pt-BR']) {
      it(`says all of ${content.template} in ${locale}, as HTML and as text`, () => {
        const { subject, text, html } = render(content, locale);
        const hello = locale === 'pt-BR' ? 'Olá' : 'Hello';
        const greeting = 'name' in content ? `${hello} Ana,` : `${hello},`;
        assert.match(subject, /^[^\r\n]+$/);
        assert.ok(text.includes(greeting), text);
        assert.ok(visible(html).includes(greeting));
        assert.ok(
          text.split('\n').includes(content.link),
          'the link stands on a line of its own, with nothing after it',
        );
        assert.equal(html.split(`href="${content.link}"`).length, 3, 'a button and a bare link');
        assert.ok(visible(html).includes(content.link));
        assert.match(html, locale === 'pt-BR' ? /<html lang="pt"/ : /<html lang="en"/);
        for (const part of [subject, text, html]) {
          assert.doesNotMatch(part, /\{\{|undefined|\[object/);
        }
      });
    }
  }

  it('renders Portuguese for pt and pt-*, English for all others', () => {
    const languageOf = (locale: string) => {
      const { text } = render(verifyAccount, locale);
      return text.startsWith('Olá') ? 'pt' : 'en';
    };
    for (const locale of ['pt', 'pt-PT', 'pt-BR', 'PT-br', 'pt-Latn-AO'])
      assert.equal(languageOf(locale), 'pt', locale);
    for (const locale of ['en', 'de-AT', 'es', 'pap', 'ptq', 'x-pt'])
      assert.equal(languageOf(locale), 'en', locale);
  });

  it('tells a called party its number, venue and queue, and how long its place is held', () => {
    const mail = render(partyCalled, 'en');
    for (const part of [mail.text, visible(mail.html)]) {
      for (const fact of ['number 42', 'Café Zé', '“Tables”', '5 minutes'])
        assert.ok(part.includes(fact), `${fact} in ${part}`);
    }
    assert.match(mail.subject, /your turn.*42/);
    const heldFor = (graceSeconds: number, locale: string) =>
      render({ ...partyCalled, graceSeconds }, locale).text;
    assert.match(heldFor(119, 'en'), /hold your place for 1 minute\./);
    assert.match(heldFor(45, 'en'), /hold your place for 45 seconds\./);
    assert.match(heldFor(600, 'pt'), /durante 10 minutos\./);
    assert.match(heldFor(60, 'pt'), /durante 1 minuto\./);
  });

  it('includes number, venue and queue in every mail to a party', () => {
    for (const content of letters.filter((letter) => letter.template.startsWith('party-'))) {
      for (const locale of ['en', 'pt']) {
        const mail = render(content, locale);
        assert.match(mail.subject, /42.*Café Zé/, content.template);
        for (const part of [mail.text, visible(mail.html)])
          assert.match(part, /“Tables”/, content.template);
        assert.match(visible(mail.html), / 42 /, content.template);
      }
    }
  });

  it('lets guests unsubscribe from the venue in every mail', () => {
    for (const content of letters) {
      for (const locale of ['en', 'pt']) {
        const { text, html } = render(content, locale);
        const link = 'unsubscribeLink' in content && content.unsubscribeLink;
        const label = locale === 'pt' ? 'Deixar de receber e-mails' : 'Stop e-mails from Café Zé';
        assert.equal(link !== false, content.template.startsWith('party-'));
        assert.equal(
          text.includes(`\n${link}\n`) && html.includes(`href="${link}"`),
          link !== false,
        );
        for (const part of [text, visible(html)])
          assert.equal(part.includes(label), link !== false, part);
      }
    }
  });

  it('renders a mail that the version before requested, without a link to unsubscribe', () => {
    const { unsubscribeLink: _, ...earlier } = partyCalled;
    for (const part of Object.values(render(earlier, 'en')))
      assert.doesNotMatch(part, /Stop e-mails|undefined/);
  });

  it('includes venue and role in an invitation', () => {
    const roles = [
      ['host', 'a host', 'anfitrião'],
      ['manager', 'a manager', 'gerente'],
      ['owner', 'an owner', 'proprietário'],
    ] as const;
    for (const [role, english, portuguese] of roles) {
      for (const [locale, said] of [
        ['en', english],
        ['pt', portuguese],
      ] as const) {
        const mail = render({ ...venueInvitation, role }, locale);
        assert.match(mail.subject, /Café Zé/);
        for (const part of [mail.text, visible(mail.html)])
          assert.ok(part.includes('Café Zé') && part.includes(said), part);
      }
    }
  });

  it('says names so that no mail client makes a link of them, in every mail and language', () => {
    const linkify = new LinkifyIt().tlds(['example', 'ws'], true).set({ fuzzyIP: true });
    const name = 'Win at https://spam.example/prize, ana@spam.example or +44 20 7946 0958';
    for (const content of letters) {
      for (const locale of ['en', 'pt']) {
        const mail = render(
          {
            ...content,
            ...('name' in content ? { name } : {}),
            ...('venueName' in content ? { venueName: name } : {}),
            ...('queueName' in content ? { queueName: name } : {}),
          },
          locale,
        );
        assert.equal(linkify.match(mail.subject), null);
        for (const part of [mail.text, visible(mail.html)]) {
          const links = (linkify.match(part) ?? []).map(({ raw }) => raw);
          const own = ['link', 'unsubscribeLink'].flatMap(
            (key) => (content as Record<string, unknown>)[key] ?? [],
          );
          assert.ok(links.length > 0 && links.every((link) => own.includes(link)), part);
          assert.deepEqual(findPhoneNumbersInText(part, 'GB'), [], part);
        }
      }
    }
  });

  it('has different texts for each mail and language', () => {
    const subjects = [...letters, alert].flatMap((content) =>
      ['en', 'pt'].map((locale) => render(content, locale).subject),
    );
    assert.equal(new Set(subjects).size, subjects.length, subjects.join('\n'));
  });

  for (const locale of ['en', 'pt']) {
    it(`tells the operator in ${locale} what is dead and how to see it`, () => {
      const { subject, text, html } = render(alert, locale);
      assert.match(subject, /3 .*mails/);
      const facts = [alert.firstError, ...alert.messageIds, 'npm run dead-letters -- show mails'];
      for (const fact of facts) {
        for (const part of [text, visible(html)]) assert.ok(part.includes(String(fact)), part);
      }
      for (const part of [subject, text, html])
        assert.doesNotMatch(part, /\{\{|undefined|\[object|null/);
      const one = render({ ...alert, count: 1, firstError: null, messageIds: [] }, locale);
      assert.match(one.subject, locale === 'pt' ? /1 mensagem por tratar/ : /1 dead letter in/);
      assert.doesNotMatch(one.text, /null/);
    });

    it(`tells the operator in ${locale} that a queue is stopped, and why`, () => {
      const stopped = { ...alert, kind: 'stopped' as const, queue: 'contacts.fifo' };
      const { subject, text } = render(stopped, locale);
      assert.match(subject, /contacts\.fifo/);
      assert.doesNotMatch(subject + text, /dead|mortas/);
      for (const fact of ['3', alert.firstError, 'npm run forwarder -- status'])
        assert.ok(text.includes(String(fact)), text);
    });
  }

  it('escapes the content of an alert and removes its line breaks', () => {
    const attack = '<script>alert(1)</script>\r\nBcc: all@example.com';
    const mail = render(
      { ...alert, queue: attack, firstError: attack, messageIds: [attack] },
      'en',
    );
    assert.doesNotMatch(mail.html, /<script/);
    assert.match(mail.subject, /^[^\r\n]+$/);
    assert.doesNotMatch(mail.text, /^Bcc/m);
  });

  it('escapes every value in HTML', () => {
    const attack = `<script>alert(1)</script>"'&{{link}}$&`;
    const mail = render(
      { ...partyCalled, name: attack, venueName: attack, queueName: attack },
      'en',
    );
    assert.doesNotMatch(mail.html, /<script/);
    const escaped = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;{{link}}$&amp;';
    assert.ok(mail.html.split(escaped).length > 5);
    assert.ok(mail.text.includes(`Hello ${attack},`), 'text is text');
    const link = `https://queue.example/verify?next="><script>&token=t`;
    const { html, text } = render({ ...verifyAccount, link }, 'en');
    assert.doesNotMatch(html, /"><script>/);
    assert.match(text, /token=t\n/);
  });

  it('removes line breaks from every value', () => {
    const attack = 'Ana\r\nBcc: all@example.com\u2028\u0000\u202eX';
    const mail = render(
      { ...partyCalled, name: attack, venueName: attack, queueName: attack },
      'en',
    );
    assert.match(mail.subject, /^It's your turn: number 42 at Ana Bcc: .*X$/);
    assert.doesNotMatch(mail.text, /^Bcc/m);
    for (const part of [mail.subject, mail.text, mail.html])
      assert.doesNotMatch(part, /[\r\0\u2028\u202e]/);
  });

  it('omits a name that looks like a link', () => {
    for (const name of ['Win at spam.example', 'http://1', 'www.spam.example', 'spam.рф']) {
      const mail = render({ ...verifyAccount, name }, 'en');
      assert.match(mail.text, /^Hello,\n/, name);
      assert.ok(!mail.html.includes(name), name);
    }
    for (const name of ['J. R. Smith', 'Dr. Ana Maria', 'Zé', '...']) {
      assert.ok(render({ ...verifyAccount, name }, 'en').text.startsWith(`Hello ${name},\n`));
    }
  });

  it('rejects links other than http and https, and loads no external content', () => {
    assert.throws(() => render({ ...verifyAccount, link: 'javascript:alert(1)' }, 'en'));
    const { html } = render(partyCalled, 'en');
    assert.doesNotMatch(html, /src=|url\(|@import|<link/);
  });
});
