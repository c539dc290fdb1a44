import { type Kysely, sql } from 'kysely';

/** The color of a venue's pages for guests. Skipped where it has run. */
export async function up(db: Kysely<never>): Promise<void> {
  const { rows } = await sql`
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'venues' AND column_name = 'accent_color'`.execute(
    db,
  );
  if (rows.length === 0) {
    await sql.raw('ALTER TABLE venues ADD COLUMN accent_color CHAR(7) NULL').execute(db);
  }
}
