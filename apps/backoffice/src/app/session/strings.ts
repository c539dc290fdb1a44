import { defineTexts } from '@queue-manager/ui/text';

export const texts = defineTexts({
  en: {
    sessionEnded: 'Please enter your password',
    sessionEndedHint: 'Your session has ended. Nothing is lost: you go on where you were.',
    password: 'Password',
    goOn: 'Continue',
    checking: 'Checking…',
    signOut: 'Sign out',
    passwordMissing: 'Please enter your password.',
  },
  pt: {
    sessionEnded: 'Escreva a sua palavra-passe',
    sessionEndedHint: 'A sua sessão terminou. Nada se perdeu: continua onde estava.',
    password: 'Palavra-passe',
    goOn: 'Continuar',
    checking: 'A verificar…',
    signOut: 'Terminar sessão',
    passwordMissing: 'Escreva a sua palavra-passe.',
  },
  es: {
    sessionEnded: 'Escribe tu contraseña',
    sessionEndedHint: 'Tu sesión ha terminado. No se ha perdido nada: sigues donde estabas.',
    password: 'Contraseña',
    goOn: 'Continuar',
    checking: 'Comprobando…',
    signOut: 'Cerrar sesión',
    passwordMissing: 'Escribe tu contraseña.',
  },
  fr: {
    sessionEnded: 'Saisissez votre mot de passe',
    sessionEndedHint: 'Votre session a pris fin. Rien n’est perdu : vous continuez où vous étiez.',
    password: 'Mot de passe',
    goOn: 'Continuer',
    checking: 'Vérification…',
    signOut: 'Se déconnecter',
    passwordMissing: 'Saisissez votre mot de passe.',
  },
  de: {
    sessionEnded: 'Bitte geben Sie Ihr Passwort ein',
    sessionEndedHint:
      'Ihre Sitzung ist beendet. Nichts ist verloren: Es geht weiter, wo Sie waren.',
    password: 'Passwort',
    goOn: 'Weiter',
    checking: 'Wird geprüft …',
    signOut: 'Abmelden',
    passwordMissing: 'Bitte geben Sie Ihr Passwort ein.',
  },
  ar: {
    sessionEnded: 'يُرجى إدخال كلمة المرور',
    sessionEndedHint: 'انتهت جلستك. لم يُفقد شيء: ستتابع من حيث كنت.',
    password: 'كلمة المرور',
    goOn: 'متابعة',
    checking: 'جارٍ التحقق…',
    signOut: 'تسجيل الخروج',
    passwordMissing: 'يُرجى إدخال كلمة المرور.',
  },
});
