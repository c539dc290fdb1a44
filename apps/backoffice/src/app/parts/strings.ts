import { defineTexts } from '@queue-manager/ui/text';

export const texts = defineTexts({
  en: {
    close: 'Close',
    cancel: 'Cancel',
    language: 'Language',
    showPassword: 'Show the password',
  },
  pt: {
    close: 'Fechar',
    cancel: 'Cancelar',
    language: 'Idioma',
    showPassword: 'Mostrar a palavra-passe',
  },
  es: {
    close: 'Cerrar',
    cancel: 'Cancelar',
    language: 'Idioma',
    showPassword: 'Mostrar la contraseña',
  },
  fr: {
    close: 'Fermer',
    cancel: 'Annuler',
    language: 'Langue',
    showPassword: 'Afficher le mot de passe',
  },
  de: {
    close: 'Schließen',
    cancel: 'Abbrechen',
    language: 'Sprache',
    showPassword: 'Passwort anzeigen',
  },
  ar: {
    close: 'إغلاق',
    cancel: 'إلغاء',
    language: 'اللغة',
    showPassword: 'إظهار كلمة المرور',
  },
});
