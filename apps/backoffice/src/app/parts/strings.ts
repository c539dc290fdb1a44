import { defineTexts } from '@queue-manager/ui/text';

export const texts = defineTexts({
  en: {
    close: 'Close',
    cancel: 'Cancel',
    overlays: 'Menus and dialogs',
    language: 'Language',
    showPassword: 'Show the password',
  },
  pt: {
    close: 'Fechar',
    cancel: 'Cancelar',
    overlays: 'Menus e caixas de diálogo',
    language: 'Idioma',
    showPassword: 'Mostrar a palavra-passe',
  },
  es: {
    close: 'Cerrar',
    cancel: 'Cancelar',
    overlays: 'Menús y cuadros de diálogo',
    language: 'Idioma',
    showPassword: 'Mostrar la contraseña',
  },
  fr: {
    close: 'Fermer',
    cancel: 'Annuler',
    overlays: 'Menus et boîtes de dialogue',
    language: 'Langue',
    showPassword: 'Afficher le mot de passe',
  },
  de: {
    close: 'Schließen',
    cancel: 'Abbrechen',
    overlays: 'Menüs und Dialoge',
    language: 'Sprache',
    showPassword: 'Passwort anzeigen',
  },
  ar: {
    close: 'إغلاق',
    cancel: 'إلغاء',
    overlays: 'القوائم ومربعات الحوار',
    language: 'اللغة',
    showPassword: 'إظهار كلمة المرور',
  },
});
