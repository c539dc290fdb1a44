import { type Kysely, sql } from 'kysely';

/** Up to which number parties in the line may hold one that the count of the business day has not reached. */
export async function up(db: Kysely<never>): Promise<void> {
  const columns = await sql`
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'queues' AND column_name = 'held_number'`.execute(
    db,
  );
  if (columns.rows.length === 0) {
    await sql.raw('ALTER TABLE queues ADD COLUMN held_number INT NOT NULL DEFAULT 0').execute(db);
  }
  await sql
    .raw(
      `UPDATE queues AS q SET q.held_number = COALESCE((
         SELECT MAX(p.number) FROM parties AS p
         WHERE p.queue_id = q.id AND p.state IN ('waiting', 'called')), 0)
       WHERE q.waiting + q.called > 0`,
    )
    .execute(db);
}
