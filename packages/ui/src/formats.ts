/*
 * Formatters by language and options. Making one takes a slow phone milliseconds, and a page needs the same few again and
 * again.
 */
function cached<Options, Format>(make: (tag: string, options?: Options) => Format) {
  const made = new Map<string, Format>();
  return (tag: string, options?: Options): Format => {
    const key = `${tag} ${JSON.stringify(options)}`;
    const known = made.get(key) ?? make(tag, options);
    made.set(key, known);
    return known;
  };
}

export const numberFormat = cached(
  (tag, options?: Intl.NumberFormatOptions) => new Intl.NumberFormat(tag, options),
);
export const pluralRules = cached((tag) => new Intl.PluralRules(tag));
export const timeFormat = cached(
  (tag, options?: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(tag, options),
);
export const ageFormat = cached((tag) => new Intl.RelativeTimeFormat(tag, { numeric: 'auto' }));
