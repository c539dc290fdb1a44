import type { MailContent } from '@queue-manager/contracts/events';
import type { Role } from '@queue-manager/contracts/venues';

const languages = ['en', 'pt'] as const;
export type Language = (typeof languages)[number];

export type Template = MailContent['template'];
type ContentOf<T extends Template> = Extract<MailContent, { template: T }>;

/** The texts of a mail to a user or a guest, as plain text; the HTML renderer escapes them. */
export type LetterTexts = {
  subject: string;
  heading: string;
  intro: string;
  button: string;
  note: string;
};

/** The texts of an operator alert, which has no greeting and no link. */
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

/** Texts that all letters share. */
export const commonTexts: Record<
  Language,
  { greeting(name: string): string; openLink: string; unsubscribe(venueName: string): string }
> = {
  en: {
    greeting: (name) => (name === '' ? 'Hello,' : `Hello ${name},`),
    openLink: "If the button doesn't work, open this link:",
    unsubscribe: (venueName) => `Stop e-mails from ${venueName}`,
  },
  pt: {
    greeting: (name) => (name === '' ? 'Olá,' : `Olá ${name},`),
    openLink: 'Se o botão não funcionar, abra este link:',
    unsubscribe: (venueName) => `Deixar de receber e-mails de ${venueName}`,
  },
};

const roleNames: Record<Language, Record<Role, string>> = {
  en: { host: 'a host', manager: 'a manager', owner: 'an owner' },
  pt: { host: 'anfitrião', manager: 'gerente', owner: 'proprietário' },
};

const leaveNote: Record<Language, string> = {
  en: "If you can't come, please leave the line on your ticket so that the next guest can move up.",
  pt: 'Se não puder vir, saia da fila através da sua senha, por favor, para que o próximo possa avançar.',
};

/** The texts of every mail. To add a template, add it here and to `bodies` in `render-mail.ts`. */
export const texts: {
  readonly [T in Template]: Record<Language, (content: ContentOf<T>) => TextsOf<T>>;
} = {
  'verify-account': {
    en: () => ({
      subject: 'Confirm your e-mail address',
      heading: 'Confirm your e-mail address',
      intro:
        'Thanks for signing up to Queue Manager. Please confirm your e-mail address to activate your account.',
      button: 'Confirm address',
      note: "The link works for a limited time. If you didn't sign up, ignore this e-mail and no account will be created.",
    }),
    pt: () => ({
      subject: 'Confirme o seu endereço de e-mail',
      heading: 'Confirme o seu endereço de e-mail',
      intro:
        'Obrigado por se registar no Queue Manager. Confirme o seu endereço de e-mail para ativar a conta.',
      button: 'Confirmar endereço',
      note: 'O link é válido por tempo limitado. Se não se registou, ignore esta mensagem e nenhuma conta será criada.',
    }),
  },
  'account-exists': {
    en: () => ({
      subject: 'You already have an account',
      heading: 'You already have an account',
      intro:
        'Someone tried to sign up to Queue Manager with your e-mail address, but you already have an account. Sign in as usual, or choose a new password if you have forgotten yours.',
      button: 'Choose a new password',
      note: "If this wasn't you, ignore this e-mail. Nothing has changed.",
    }),
    pt: () => ({
      subject: 'Já tem uma conta',
      heading: 'Já tem uma conta',
      intro:
        'Alguém tentou registar-se no Queue Manager com o seu endereço de e-mail, mas já tem uma conta. Inicie sessão como habitualmente ou escolha uma nova palavra-passe, caso se tenha esquecido da sua.',
      button: 'Escolher nova palavra-passe',
      note: 'Se não fez este pedido, ignore esta mensagem. Nada foi alterado.',
    }),
  },
  'reset-password': {
    en: () => ({
      subject: 'Reset your password',
      heading: 'Reset your password',
      intro: 'We received a request to reset the password of your Queue Manager account.',
      button: 'Choose a new password',
      note: "The link works once and for a limited time. If you didn't ask for it, ignore this e-mail and your password stays the same.",
    }),
    pt: () => ({
      subject: 'Reponha a sua palavra-passe',
      heading: 'Reponha a sua palavra-passe',
      intro: 'Recebemos um pedido para repor a palavra-passe da sua conta do Queue Manager.',
      button: 'Escolher nova palavra-passe',
      note: 'O link só pode ser usado uma vez e é válido por tempo limitado. Se não fez este pedido, ignore esta mensagem e a sua palavra-passe não muda.',
    }),
  },
  'venue-invitation': {
    en: ({ venueName, role }) => ({
      subject: `You are invited to join ${venueName}`,
      heading: `You are invited to join ${venueName}`,
      intro: `You are invited to join the team at ${venueName} on Queue Manager as ${roleNames.en[role]}. To accept, sign in with this e-mail address, or sign up with it first.`,
      button: 'Accept the invitation',
      note: "The link works once and for a limited time. If you don't know this venue, ignore this e-mail. Nothing happens unless you accept.",
    }),
    pt: ({ venueName, role }) => ({
      subject: `Convite: ${venueName}`,
      heading: `Convite: ${venueName}`,
      intro: `Recebeu um convite para fazer parte da equipa do estabelecimento ${venueName} no Queue Manager, com a função de ${roleNames.pt[role]}. Para aceitar, inicie sessão com este endereço de e-mail ou registe-se primeiro com ele.`,
      button: 'Aceitar o convite',
      note: 'O link só pode ser usado uma vez e é válido por tempo limitado. Se não conhece o estabelecimento, ignore esta mensagem. Nada acontece se não aceitar.',
    }),
  },
  'party-joined': {
    en: ({ number, venueName, queueName }) => ({
      subject: `You're in line: number ${number} at ${venueName}`,
      heading: `You're in line at ${venueName}`,
      intro: `Your number is ${number} in the line “${queueName}” at ${venueName}. Your ticket shows your place and your estimated wait. We'll e-mail you when it's your turn.`,
      button: 'Open your ticket',
      note: "Anyone with this link can act for you, so please don't share it. If you can't wait any longer, leave the line on your ticket so that the next guest can move up.",
    }),
    pt: ({ number, venueName, queueName }) => ({
      subject: `Está na fila: número ${number}, ${venueName}`,
      heading: `Está na fila: ${venueName}`,
      intro: `Tem o número ${number} na fila “${queueName}” (${venueName}). A sua senha mostra o seu lugar e o tempo de espera previsto. Enviamos-lhe um e-mail quando for a sua vez.`,
      button: 'Abrir a sua senha',
      note: 'Quem tiver este link pode agir em seu nome, por isso não o partilhe. Se não puder esperar mais, saia da fila através da sua senha, por favor, para que o próximo possa avançar.',
    }),
  },
  'party-almost-there': {
    en: ({ number, venueName, queueName }) => ({
      subject: `Almost your turn: number ${number} at ${venueName}`,
      heading: `It's almost your turn at ${venueName}`,
      intro: `You're almost at the front of the line “${queueName}” at ${venueName}, number ${number}. Please stay nearby. We'll e-mail you when it's your turn.`,
      button: 'Open your ticket',
      note: leaveNote.en,
    }),
    pt: ({ number, venueName, queueName }) => ({
      subject: `Está quase na sua vez: número ${number}, ${venueName}`,
      heading: `Está quase na sua vez: ${venueName}`,
      intro: `Está quase na sua vez, número ${number} na fila “${queueName}” (${venueName}). Fique por perto, por favor. Enviamos-lhe um e-mail quando for a sua vez.`,
      button: 'Abrir a sua senha',
      note: leaveNote.pt,
    }),
  },
  'party-called': {
    en: ({ number, venueName, queueName, graceSeconds }) => ({
      subject: `It's your turn: number ${number} at ${venueName}`,
      heading: `It's your turn at ${venueName}`,
      intro: `It's your turn, number ${number} in the line “${queueName}” at ${venueName}. Please come to the host. We'll hold your place for ${duration(graceSeconds, 'en')}.`,
      button: 'Open your ticket',
      note: leaveNote.en,
    }),
    pt: ({ number, venueName, queueName, graceSeconds }) => ({
      subject: `É a sua vez: número ${number}, ${venueName}`,
      heading: `É a sua vez: ${venueName}`,
      intro: `É a sua vez, número ${number} na fila “${queueName}” (${venueName}). Dirija-se à receção, por favor. Guardamos o seu lugar durante ${duration(graceSeconds, 'pt')}.`,
      button: 'Abrir a sua senha',
      note: leaveNote.pt,
    }),
  },
  'party-recalled': {
    en: ({ number, venueName, queueName, graceSeconds }) => ({
      subject: `Called again: number ${number} at ${venueName}`,
      heading: `${venueName} is calling you again`,
      intro: `We're still waiting for you, number ${number} in the line “${queueName}” at ${venueName}. Please come to the host now. We'll hold your place for another ${duration(graceSeconds, 'en')}.`,
      button: 'Open your ticket',
      note: leaveNote.en,
    }),
    pt: ({ number, venueName, queueName, graceSeconds }) => ({
      subject: `Nova chamada: número ${number}, ${venueName}`,
      heading: `Nova chamada: ${venueName}`,
      intro: `Continuamos à sua espera, número ${number} na fila “${queueName}” (${venueName}). Dirija-se já à receção, por favor. Guardamos o seu lugar durante mais ${duration(graceSeconds, 'pt')}.`,
      button: 'Abrir a sua senha',
      note: leaveNote.pt,
    }),
  },
  'party-no-show': {
    en: ({ number, venueName, queueName }) => ({
      subject: `We missed you: number ${number} at ${venueName}`,
      heading: `We missed you at ${venueName}`,
      intro: `We called number ${number} in the line “${queueName}” at ${venueName}, but nobody came, so we moved on to the next guest.`,
      button: 'Open your ticket',
      note: "If you're still nearby, ask the host to put you back in line.",
    }),
    pt: ({ number, venueName, queueName }) => ({
      subject: `Sentimos a sua falta: número ${number}, ${venueName}`,
      heading: `Sentimos a sua falta: ${venueName}`,
      intro: `Chamámos o número ${number} na fila “${queueName}” (${venueName}), mas ninguém apareceu, por isso passámos ao próximo.`,
      button: 'Abrir a sua senha',
      note: 'Se ainda estiver por perto, peça na receção para voltar à fila.',
    }),
  },
  'party-removed': {
    en: ({ number, venueName, queueName, lineClosed }) =>
      lineClosed
        ? {
            subject: `The line has closed: number ${number} at ${venueName}`,
            heading: `The line at ${venueName} has closed`,
            intro: `The line “${queueName}” at ${venueName} has closed, so we can't call number ${number} any more. We're sorry.`,
            button: 'Open your ticket',
            note: 'If you have a question, please ask the host.',
          }
        : {
            subject: `You're no longer in line: number ${number} at ${venueName}`,
            heading: `You're no longer in line at ${venueName}`,
            intro: `The host has removed number ${number} from the line “${queueName}” at ${venueName}.`,
            button: 'Open your ticket',
            note: 'If you think this is a mistake, ask the host to put you back in line.',
          },
    pt: ({ number, venueName, queueName, lineClosed }) =>
      lineClosed
        ? {
            subject: `A fila fechou: número ${number}, ${venueName}`,
            heading: `A fila fechou: ${venueName}`,
            intro: `A fila “${queueName}” (${venueName}) fechou, por isso já não podemos chamar o número ${number}. Lamentamos.`,
            button: 'Abrir a sua senha',
            note: 'Se tiver alguma dúvida, fale com a receção, por favor.',
          }
        : {
            subject: `Já não está na fila: número ${number}, ${venueName}`,
            heading: `Já não está na fila: ${venueName}`,
            intro: `O número ${number} foi retirado da fila “${queueName}” (${venueName}).`,
            button: 'Abrir a sua senha',
            note: 'Se achar que é um engano, peça na receção para voltar à fila.',
          },
  },
  'party-restored': {
    en: ({ number, venueName, queueName }) => ({
      subject: `You're back in line: number ${number} at ${venueName}`,
      heading: `You're back in line at ${venueName}`,
      intro: `You're back in the line “${queueName}” at ${venueName} as number ${number}, in your original place.`,
      button: 'See your place',
      note: "Please stay nearby. We'll call you when it's your turn.",
    }),
    pt: ({ number, venueName, queueName }) => ({
      subject: `Está de volta à fila: número ${number}, ${venueName}`,
      heading: `Está de volta à fila: ${venueName}`,
      intro: `Está de volta à fila “${queueName}” (${venueName}), com o número ${number} e no seu lugar original.`,
      button: 'Ver o seu lugar',
      note: 'Fique por perto, por favor. Avisamos quando for a sua vez.',
    }),
  },
  'operator-alert': {
    en: ({ kind, queue, count, firstError, messageIds }) => ({
      ...(kind === 'stopped'
        ? {
            subject: `Alert: ${queue} is stopped`,
            heading: `${queue} is stopped`,
            intro: `${count === 1 ? '1 message waits' : `${count} messages wait`} in ${queue}. Nothing is lost: once the cause is fixed, they are sent in order.`,
            errorLabel: 'Cause',
          }
        : {
            subject: `Alert: ${count === 1 ? '1 dead letter' : `${count} dead letters`} in ${queue}`,
            heading: `Failed messages in ${queue}`,
            intro: `The dead-letter queue of ${queue} holds ${count === 1 ? '1 message that needs' : `${count} messages that need`} attention. Other messages are not affected.`,
            errorLabel: 'First error',
          }),
      error: firstError ?? 'unknown',
      idsLabel: 'Messages',
      ids: messageIds.length === 0 ? 'unknown' : messageIds.join(', '),
      commandLabel: kind === 'stopped' ? 'To see the state, run' : 'To see them all, run',
      command: kind === 'stopped' ? statusCommand : showCommand(queue),
    }),
    pt: ({ kind, queue, count, firstError, messageIds }) => ({
      ...(kind === 'stopped'
        ? {
            subject: `Alerta: ${queue} está parada`,
            heading: `${queue} está parada`,
            intro: `${count === 1 ? '1 mensagem espera' : `${count} mensagens esperam`} em ${queue}. Nada se perde: resolvida a causa, são enviadas por ordem.`,
            errorLabel: 'Causa',
          }
        : {
            subject: `Alerta: ${count === 1 ? '1 mensagem por tratar' : `${count} mensagens por tratar`} em ${queue}`,
            heading: `Mensagens falhadas em ${queue}`,
            intro: `A fila de mensagens mortas de ${queue} contém ${count === 1 ? '1 mensagem que precisa' : `${count} mensagens que precisam`} de atenção. As restantes mensagens não são afetadas.`,
            errorLabel: 'Primeiro erro',
          }),
      error: firstError ?? 'desconhecido',
      idsLabel: 'Mensagens',
      ids: messageIds.length === 0 ? 'desconhecidas' : messageIds.join(', '),
      commandLabel:
        kind === 'stopped' ? 'Para ver o estado, execute' : 'Para as ver todas, execute',
      command: kind === 'stopped' ? statusCommand : showCommand(queue),
    }),
  },
};

/** Only the forwarder stops and raises an alert. */
const statusCommand = 'npm run forwarder -- status';

function showCommand(queue: string): string {
  return `npm run dead-letters -- show ${queue}`;
}

/** A duration in words: whole minutes, rounded down to never promise too much; seconds below one minute. */
function duration(seconds: number, language: Language): string {
  const inMinutes = seconds >= 60;
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: inMinutes ? 'minute' : 'second',
    unitDisplay: 'long',
  }).format(inMinutes ? Math.floor(seconds / 60) : seconds);
}
