import { defineTexts } from '@queue-manager/ui/text';

export const texts = defineTexts({
  en: { table: 'Table' },
  pt: { table: 'Tabela' },
  es: { table: 'Tabla' },
  fr: { table: 'Tableau' },
  de: { table: 'Tabelle' },
  ar: { table: 'جدول' },
});
