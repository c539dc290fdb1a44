import { pageUrl } from '@queue-manager/contracts/pages';
import type { HeldTicket } from '../page/held-tickets.ts';
import { goTo } from '../page/location.ts';
import './held-ticket-list.css';
import { Icon } from './icon.tsx';

/** Tickets that this browser got, each a link to its page. */
export function HeldTickets(props: { title: string; tickets: readonly HeldTicket[] }) {
  const { title, tickets } = props;
  return (
    <section className="stack-close">
      <h2 className="held-title">{title}</h2>
      <ul className="stack-close">
        {tickets.map(({ ticket, number, venueName, queueName }) => (
          <li key={ticket}>
            <a
              className="card held"
              href={pageUrl('', 'ticket', ticket)}
              onClick={(event) => {
                event.preventDefault();
                goTo(pageUrl('', 'ticket', ticket));
              }}
            >
              <span className="held-number">{number}</span>
              <span className="held-queue">
                <strong>{venueName}</strong>
                <span className="muted">{queueName}</span>
              </span>
              <Icon name="forward" />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
