import type { MailContent } from '@queue-manager/contracts/events';

export const languages = ['en', 'pt'] as const;
export type Language = (typeof languages)[number];

export type Template = MailContent['template'];
type ContentOf<T extends Template> = Extract<MailContent, { template: T }>;

/** What a mail says, as plain text with its values in place; escaping is for whoever makes HTML of it. */
export type Texts = {
  subject: string;
  heading: string;
  intro: string;
  button: string;
  note: string;
};

/** What all mails say alike. */
export const commonTexts: Record<Language, { greeting(name: string): string; openLink: string }> = {
  en: {
    greeting: (name) => (name === '' ? 'Hello,' : `Hello ${name},`),
    openLink: 'If the button does not work, open this address:',
  },
  pt: {
    greeting: (name) => (name === '' ? 'Olá,' : `Olá ${name},`),
    openLink: 'Se o botão não funcionar, abra este endereço:',
  },
};

/** Every mail's texts, and no others: a new template is an entry here, and one in `bodies` of `render-mail.ts`. */
export const texts: {
  readonly [T in Template]: Record<Language, (content: ContentOf<T>) => Texts>;
} = {
  'verify-account': {
    en: () => ({
      subject: 'Confirm your e-mail address',
      heading: 'Confirm your e-mail address',
      intro:
        'Someone, hopefully you, signed up to Queue Manager with this address. Confirm it to open the account.',
      button: 'Confirm address',
      note: 'The link works for a limited time. If this was not you, ignore this mail: no account will be made.',
    }),
    pt: () => ({
      subject: 'Confirme o seu endereço de e-mail',
      heading: 'Confirme o seu endereço de e-mail',
      intro:
        'Alguém, esperamos que tenha sido você, registou-se no Queue Manager com este endereço. Confirme-o para abrir a conta.',
      button: 'Confirmar endereço',
      note: 'O link só funciona durante algum tempo. Se não foi você, ignore esta mensagem: não será criada nenhuma conta.',
    }),
  },
  'account-exists': {
    en: () => ({
      subject: 'You already have an account',
      heading: 'You already have an account',
      intro:
        'Someone, hopefully you, tried to sign up to Queue Manager with this address, which already has an account. Sign in as usual, or choose a new password if you have forgotten yours.',
      button: 'Choose a new password',
      note: 'If this was not you, ignore this mail: nothing has changed.',
    }),
    pt: () => ({
      subject: 'Já tem uma conta',
      heading: 'Já tem uma conta',
      intro:
        'Alguém, esperamos que tenha sido você, tentou registar-se no Queue Manager com este endereço, que já tem uma conta. Entre como habitualmente, ou escolha uma nova palavra-passe se esqueceu a sua.',
      button: 'Escolher nova palavra-passe',
      note: 'Se não foi você, ignore esta mensagem: nada foi alterado.',
    }),
  },
  'reset-password': {
    en: () => ({
      subject: 'Choose a new password',
      heading: 'Choose a new password',
      intro:
        'Someone, hopefully you, asked for a new password for the Queue Manager account of this address.',
      button: 'Choose a new password',
      note: 'The link works once and for a limited time. If this was not you, ignore this mail: your password stays as it is.',
    }),
    pt: () => ({
      subject: 'Escolha uma nova palavra-passe',
      heading: 'Escolha uma nova palavra-passe',
      intro:
        'Alguém, esperamos que tenha sido você, pediu uma nova palavra-passe para a conta do Queue Manager deste endereço.',
      button: 'Escolher nova palavra-passe',
      note: 'O link funciona uma só vez e durante algum tempo. Se não foi você, ignore esta mensagem: a sua palavra-passe não muda.',
    }),
  },
  'party-called': {
    en: ({ number, venueName, queueName, graceSeconds }) => ({
      subject: `Your table is ready: number ${number} at ${venueName}`,
      heading: `Your table at ${venueName} is ready`,
      intro: `It is your turn, number ${number} in the line “${queueName}” at ${venueName}. Please come to the host: your table is held for ${duration(graceSeconds, 'en')}.`,
      button: 'Open your ticket',
      note: 'If you cannot come, please leave the line there, so that the next guest need not wait.',
    }),
    pt: ({ number, venueName, queueName, graceSeconds }) => ({
      subject: `A sua mesa está pronta: número ${number}, ${venueName}`,
      heading: `A sua mesa está pronta: ${venueName}`,
      intro: `É a sua vez, número ${number} na fila “${queueName}”, ${venueName}. Dirija-se à receção, por favor: a sua mesa fica reservada durante ${duration(graceSeconds, 'pt')}.`,
      button: 'Abrir a sua senha',
      note: 'Se não puder vir, saia da fila nessa página, por favor, para que o próximo não tenha de esperar.',
    }),
  },
};

/** A time in words: whole minutes, rounded down so that it never promises too much; seconds below one. */
function duration(seconds: number, language: Language): string {
  const inMinutes = seconds >= 60;
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: inMinutes ? 'minute' : 'second',
    unitDisplay: 'long',
  }).format(inMinutes ? Math.floor(seconds / 60) : seconds);
}
