import { type Kysely, sql } from 'kysely';

/** Whose account created a venue, for the limits of new ones; null for those from before. Skipped where it has run. */
export async function up(db: Kysely<never>): Promise<void> {
  const { rows } = await sql`
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'venues' AND column_name = 'created_by'`.execute(
    db,
  );
  if (rows.length === 0) {
    await sql.raw('ALTER TABLE venues ADD COLUMN created_by BINARY(16) NULL').execute(db);
  }
}
