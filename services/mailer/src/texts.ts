import type { MailContent } from '@queue-manager/contracts/events';
import type { Role } from '@queue-manager/contracts/venues';

const languages = ['en', 'pt'] as const;
export type Language = (typeof languages)[number];

export type Template = MailContent['template'];
type ContentOf<T extends Template> = Extract<MailContent, { template: T }>;

/** What a mail says, as plain text with its values in place; escaping is for whoever makes HTML of it. */
export type LetterTexts = {
  subject: string;
  heading: string;
  intro: string;
  button: string;
  note: string;
};

/** What an alert says: it greets nobody and links nowhere. */
export type AlertTexts = {
  subject: string;
  heading: string;
  intro: string;
  errorLabel: string;
  error: string;
  idsLabel: string;
  ids: string;
  commandLabel: string;
  command: string;
};

type TextsOf<T extends Template> = T extends 'operator-alert' ? AlertTexts : LetterTexts;

/** What all letters say alike. */
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

const roleNames: Record<Language, Record<Role, string>> = {
  en: { host: 'a host', manager: 'a manager', owner: 'an owner' },
  pt: { host: 'anfitrião', manager: 'gerente', owner: 'proprietário' },
};

/** Every mail's texts, and no others: a new template is an entry here, and one in `bodies` of `render-mail.ts`. */
export const texts: {
  readonly [T in Template]: Record<Language, (content: ContentOf<T>) => TextsOf<T>>;
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
  'venue-invitation': {
    en: ({ venueName, role }) => ({
      subject: venueName === '' ? 'You are invited' : `You are invited to ${venueName}`,
      heading: venueName === '' ? 'You are invited' : `You are invited to ${venueName}`,
      intro: `You are invited to work at ${venueName === '' ? 'a venue' : venueName} in Queue Manager, as ${roleNames.en[role]}. To accept, sign in with this e-mail address, or sign up with it first.`,
      button: 'Accept the invitation',
      note: 'The link works once and for a limited time. If you do not know the venue, ignore this mail: nothing happens unless you accept.',
    }),
    pt: ({ venueName, role }) => ({
      subject: venueName === '' ? 'Recebeu um convite' : `Convite: ${venueName}`,
      heading: venueName === '' ? 'Recebeu um convite' : `Convite: ${venueName}`,
      intro: `Recebeu um convite para trabalhar ${venueName === '' ? 'num estabelecimento' : `em ${venueName}`} no Queue Manager, com a função de ${roleNames.pt[role]}. Para o aceitar, entre com este endereço de e-mail, ou registe-se primeiro com ele.`,
      button: 'Aceitar o convite',
      note: 'O link funciona uma só vez e durante algum tempo. Se não conhece o estabelecimento, ignore esta mensagem: nada acontece se não aceitar.',
    }),
  },
  'party-joined': {
    en: ({ number, venueName, queueName }) => ({
      subject: `You are in line: number ${number} at ${venueName}`,
      heading: `You are in line at ${venueName}`,
      intro: `You have number ${number} in the line “${queueName}” at ${venueName}. Your ticket shows your place and how long it may take; we write to you again when you are almost there.`,
      button: 'Open your ticket',
      note: 'Whoever has the link can act for you, so keep it to yourself. If you cannot wait any longer, leave the line there, so that the next guest need not wait.',
    }),
    pt: ({ number, venueName, queueName }) => ({
      subject: `Está na fila: número ${number}, ${venueName}`,
      heading: `Está na fila: ${venueName}`,
      intro: `Tem o número ${number} na fila “${queueName}”, ${venueName}. A sua senha mostra o seu lugar e quanto tempo poderá demorar; voltamos a escrever-lhe quando estiver quase na sua vez.`,
      button: 'Abrir a sua senha',
      note: 'Quem tiver a ligação pode agir por si, por isso guarde-a para si. Se não puder esperar mais, saia da fila nessa página, por favor, para que o próximo não tenha de esperar.',
    }),
  },
  'party-almost-there': {
    en: ({ number, venueName, queueName }) => ({
      subject: `Almost your turn: number ${number} at ${venueName}`,
      heading: `It is almost your turn at ${venueName}`,
      intro: `Very few are before you, number ${number}, in the line “${queueName}” at ${venueName}. Please stay near: we write to you when it is your turn.`,
      button: 'Open your ticket',
      note: 'If you cannot come, please leave the line there, so that the next guest need not wait.',
    }),
    pt: ({ number, venueName, queueName }) => ({
      subject: `Está quase na sua vez: número ${number}, ${venueName}`,
      heading: `Está quase na sua vez: ${venueName}`,
      intro: `Há muito poucos à sua frente, número ${number}, na fila “${queueName}”, ${venueName}. Fique por perto, por favor: escrevemos-lhe quando for a sua vez.`,
      button: 'Abrir a sua senha',
      note: 'Se não puder vir, saia da fila nessa página, por favor, para que o próximo não tenha de esperar.',
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
  'party-recalled': {
    en: ({ number, venueName, queueName, graceSeconds }) => ({
      subject: `Called again: number ${number} at ${venueName}`,
      heading: `${venueName} is calling you again`,
      intro: `We have not seen you yet, number ${number} in the line “${queueName}” at ${venueName}. Please come to the host now: your table is held for another ${duration(graceSeconds, 'en')}.`,
      button: 'Open your ticket',
      note: 'If you cannot come, please leave the line there, so that the next guest need not wait.',
    }),
    pt: ({ number, venueName, queueName, graceSeconds }) => ({
      subject: `Nova chamada: número ${number}, ${venueName}`,
      heading: `Voltamos a chamar por si: ${venueName}`,
      intro: `Ainda não o vimos, número ${number} na fila “${queueName}”, ${venueName}. Dirija-se já à receção, por favor: a sua mesa fica reservada durante mais ${duration(graceSeconds, 'pt')}.`,
      button: 'Abrir a sua senha',
      note: 'Se não puder vir, saia da fila nessa página, por favor, para que o próximo não tenha de esperar.',
    }),
  },
  'party-no-show': {
    en: ({ number, venueName, queueName }) => ({
      subject: `We missed you: number ${number} at ${venueName}`,
      heading: `We missed you at ${venueName}`,
      intro: `Number ${number} in the line “${queueName}” at ${venueName} was called and nobody came, so the table went to the next guest.`,
      button: 'Open your ticket',
      note: 'If you are still near, speak to the host, who can put you back in the line.',
    }),
    pt: ({ number, venueName, queueName }) => ({
      subject: `Sentimos a sua falta: número ${number}, ${venueName}`,
      heading: `Sentimos a sua falta: ${venueName}`,
      intro: `O número ${number} na fila “${queueName}”, ${venueName}, foi chamado e ninguém apareceu, por isso a mesa passou para o próximo.`,
      button: 'Abrir a sua senha',
      note: 'Se ainda estiver por perto, fale com a receção, que o pode voltar a pôr na fila.',
    }),
  },
  'party-restored': {
    en: ({ number, venueName, queueName }) => ({
      subject: `You are back in the line: number ${number} at ${venueName}`,
      heading: `You are back in the line at ${venueName}`,
      intro: `Number ${number} in the line “${queueName}” at ${venueName} has its place again, exactly where it was.`,
      button: 'See your place',
      note: 'Stay near: we call you when it is your turn.',
    }),
    pt: ({ number, venueName, queueName }) => ({
      subject: `Está de volta à fila: número ${number}, ${venueName}`,
      heading: `Está de volta à fila: ${venueName}`,
      intro: `O número ${number} na fila “${queueName}”, ${venueName}, tem de novo o seu lugar, exatamente onde estava.`,
      button: 'Ver o seu lugar',
      note: 'Fique por perto: chamamos quando for a sua vez.',
    }),
  },
  'operator-alert': {
    en: ({ queue, count, firstError, messageIds }) => ({
      subject: `Alert: ${count === 1 ? '1 dead letter' : `${count} dead letters`} in ${queue}`,
      heading: `Messages of ${queue} could not be handled`,
      intro: `The dead-letter queue of ${queue} holds ${count === 1 ? '1 message' : `${count} messages`}. Nothing behind is held up, but these wait for somebody to look at them.`,
      errorLabel: 'First error',
      error: firstError ?? 'unknown',
      idsLabel: 'Messages',
      ids: messageIds.length === 0 ? 'unknown' : messageIds.join(', '),
      commandLabel: 'See them all',
      command: showCommand(queue),
    }),
    pt: ({ queue, count, firstError, messageIds }) => ({
      subject: `Alerta: ${count === 1 ? '1 mensagem por tratar' : `${count} mensagens por tratar`} em ${queue}`,
      heading: `Houve mensagens de ${queue} que não puderam ser tratadas`,
      intro: `A fila de mensagens mortas de ${queue} contém ${count === 1 ? '1 mensagem' : `${count} mensagens`}. Nada fica retido por causa disso, mas estas esperam que alguém as veja.`,
      errorLabel: 'Primeiro erro',
      error: firstError ?? 'desconhecido',
      idsLabel: 'Mensagens',
      ids: messageIds.length === 0 ? 'desconhecidas' : messageIds.join(', '),
      commandLabel: 'Ver todas',
      command: showCommand(queue),
    }),
  },
};

function showCommand(queue: string): string {
  return `npm run dead-letters -- show ${queue}`;
}

/** A time in words: whole minutes, rounded down so that it never promises too much; seconds below one. */
function duration(seconds: number, language: Language): string {
  const inMinutes = seconds >= 60;
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: inMinutes ? 'minute' : 'second',
    unitDisplay: 'long',
  }).format(inMinutes ? Math.floor(seconds / 60) : seconds);
}
