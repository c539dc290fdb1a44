import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { findUnsubscribed } from './find-unsubscribed.ts';

describe('unsubscribe', () => {
  let service: QueueService;

  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const email = 'Ana@example.com';
  const tokenOf = (venueId: string, to = email) => {
    const { unsubscribeTokens } = service.deps;
    return unsubscribeTokens.make(unsubscribeTokens.of(uuidToBytes(venueId), to));
  };
  const call = async (method: 'GET' | 'POST', token: string, language = 'en') => {
    const answer = await service.app.inject({
      method,
      url: `/v1/unsubscribe/${token}`,
      headers: { 'accept-language': language },
    });
    return { status: answer.statusCode, headers: answer.headers, page: answer.body };
  };
  const isUnsubscribed = async (venueId: string, to: string) => {
    const venue = uuidToBytes(venueId);
    return (await findUnsubscribed(service.deps, [{ venueId: venue, to }]))(venue, to);
  };
  const rows = () => service.db.selectFrom('unsubscribes').selectAll().execute();

  it('shows a page with one button on GET and changes nothing', async () => {
    const { venueId } = await service.openLine({}, { name: '<b>Zé’s & Sons</b>' });
    const { status, headers, page } = await call('GET', tokenOf(venueId));
    assert.equal(status, 200);
    assert.match(String(headers['content-type']), /^text\/html; charset=utf-8/);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.match(page, /Stop e-mails from &lt;b&gt;Zé’s &amp; Sons&lt;\/b&gt;\?/);
    assert.equal(page.match(/<form method="post">/g)?.length, 1);
    assert.equal(page.match(/<button>/g)?.length, 1);
    assert.doesNotMatch(page, /@/);
    assert.equal(await isUnsubscribed(venueId, email), false);
  });

  it('stops the mails of the venue to the mailbox, once or repeatedly', async () => {
    const [one, other] = [await service.openLine(), await service.openLine()];
    const token = tokenOf(one.venueId);
    for (const language of ['en', 'pt-PT,pt;q=0.9,en;q=0.8']) {
      const { status, page } = await call('POST', token, language);
      assert.equal(status, 200);
      assert.match(
        page,
        language === 'en' ? /<html lang="en">.*Done/s : /<html lang="pt">.*Feito/s,
      );
      assert.doesNotMatch(page, /<form/);
    }
    for (const to of [email, 'ana@EXAMPLE.com', 'ana+bar@example.com'])
      assert.equal(await isUnsubscribed(one.venueId, to), true, to);
    assert.equal(await isUnsubscribed(one.venueId, 'joao@example.com'), false);
    assert.equal(await isUnsubscribed(other.venueId, email), false);
  });

  it('stores a keyed hash that differs by venue', async () => {
    const venues = [await service.openLine(), await service.openLine()];
    const before = (await rows()).length;
    for (const { venueId } of venues) await call('POST', tokenOf(venueId));
    const stored = (await rows()).slice(before);
    const hashes = new Set((await rows()).map(({ recipient }) => recipient.toString('hex')));
    assert.equal(stored.length, 2);
    assert.equal(hashes.size, before + 2);
    assert.doesNotMatch(JSON.stringify(stored.map(({ recipient }) => String(recipient))), /ana/i);
  });

  it('returns 404 for a tampered token, another kind of token, and any other text', async () => {
    const { venueId, owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    const token = tokenOf(venueId);
    const tampered = token.slice(0, 30) + (token[30] === 'A' ? 'B' : 'A') + token.slice(31);
    const invitation = service.deps.invitationTokens.make(uuidToBytes(venueId));
    for (const text of [tampered, `${token}A`, token.slice(1), party.ticket, invitation, 'x']) {
      for (const method of ['GET', 'POST'] as const) {
        const answer = await service.call(method, `/v1/unsubscribe/${text}`);
        assertProblem(answer, 'not-found');
      }
    }
    assert.equal(await isUnsubscribed(venueId, email), false);
  });

  it('keeps nothing of a deleted venue, and still answers', async () => {
    const { venueId, owner } = await service.openLine();
    const before = (await rows()).length;
    await call('POST', tokenOf(venueId));
    assert.equal((await rows()).length, before + 1);
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    await service.eraseDeleted(venueId);
    assert.equal((await rows()).length, before);
    assert.equal((await call('POST', tokenOf(venueId, 'joao@example.com'))).status, 200);
    assert.equal((await rows()).length, before);
  });
});
