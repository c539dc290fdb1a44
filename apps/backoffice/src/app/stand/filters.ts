import type { Row } from '../line/row.ts';

/** Which parties of a line are shown. */
export type Filters = {
  text: string;
  sizes: Sizes | null;
  isPriorityOnly: boolean;
  /** Only those with a note, a failed message or a possible duplicate. */
  isMarkedOnly: boolean;
};
export type Sizes = { min: number; max: number | null };

export const noFilters: Filters = {
  text: '',
  sizes: null,
  isPriorityOnly: false,
  isMarkedOnly: false,
};
export const sizeChoices: readonly Sizes[] = [
  { min: 1, max: 2 },
  { min: 3, max: 4 },
  { min: 5, max: 6 },
  { min: 7, max: null },
];

export function isFiltered({ text, ...others }: Filters): boolean {
  return text.trim() !== '' || countFilters(others) > 0;
}

export function countFilters({
  sizes,
  isPriorityOnly,
  isMarkedOnly,
}: Omit<Filters, 'text'>): number {
  return Number(sizes !== null) + Number(isPriorityOnly) + Number(isMarkedOnly);
}

/** A party of a part of the line, with its place there. */
export type Placed = { row: Row; position: number };

/** The parties that the filters let through, each with its place among all. */
export function filtered(rows: readonly Row[], filters: Filters): Placed[] {
  const matches = textFilter(filters.text);
  const { sizes, isPriorityOnly, isMarkedOnly } = filters;
  const found: Placed[] = [];
  rows.forEach((row, index) => {
    const { size } = row;
    if (sizes !== null && (size < sizes.min || size > (sizes.max ?? size))) return;
    if (isPriorityOnly && row.lane !== 'priority') return;
    if (isMarkedOnly && !isMarked(row)) return;
    if (matches(row)) found.push({ row, position: index + 1 });
  });
  return found;
}

function isMarked({ notes, possibleDuplicate, notifications }: Row): boolean {
  return notes !== null || possibleDuplicate || notifications.some((it) => it.state === 'failed');
}

/** By the start of a word of the name, the number, digits of the phone, or anything in the note. */
function textFilter(text: string): (row: Row) => boolean {
  const wanted = plain(text.trim());
  if (wanted === '') return () => true;
  const digits = /^#?(\d+)$/.exec(wanted)?.[1];
  return ({ number, name, phone, notes }) => {
    if (digits !== undefined && String(number).startsWith(digits)) return true;
    if (digits !== undefined && digits.length > 2 && phone?.replace(/\D/g, '').includes(digits)) {
      return true;
    }
    return ` ${plain(name ?? '')}`.includes(` ${wanted}`) || plain(notes ?? '').includes(wanted);
  };
}

/** Without case and accents. */
function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
