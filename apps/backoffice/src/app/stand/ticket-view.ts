import { Component, computed, input } from '@angular/core';
import { qrCodeOf } from '@queue-manager/ui/qr-code';
import type { Row } from '../line/row.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { texts } from './strings.ts';

/** A guest's ticket as a QR code, to scan from the screen or to print. */
@Component({
  selector: 'qm-ticket-view',
  imports: [Icon],
  template: `
    @if (row(); as row) {
      <div class="ticket">
        <p class="number figures">
          <span class="hidden">{{ text('number') }}</span>{{ row.number === null ? '…' : row.number }}
        </p>
        <p class="large">@if (row.name !== null) {<bdi>{{ row.name }}</bdi> · }{{ text('people', { n: row.size }) }}</p>
        @if (code(); as code) {
          <svg
            class="code"
            role="img"
            shape-rendering="crispEdges"
            [attr.aria-label]="text('ticketCode')"
            [attr.viewBox]="'0 0 ' + code.size + ' ' + code.size"
          >
            <rect [attr.width]="code.size" [attr.height]="code.size" fill="#fff" />
            <path [attr.d]="code.path" fill="#000" />
          </svg>
          <p>{{ text('scan') }}</p>
          <p class="small address print-only">{{ row.ticketUrl }}</p>
        } @else {
          <p class="notice warning"><qm-icon name="offline" />{{ text('ticketLater') }}</p>
        }
      </div>
    }
  `,
  styles: `
    .ticket {
      display: grid;
      gap: var(--space-2);
      justify-items: center;
      text-align: center;
    }
    .number {
      font-size: 3rem;
      font-weight: 750;
      line-height: 1;
    }
    .large {
      font-size: var(--large);
    }
    .code {
      inline-size: min(16rem, 60vh);
      block-size: auto;
      border-radius: var(--radius);
      outline: 1px solid var(--line);
    }
    .print-only {
      display: none;
    }
    @media print {
      .print-only {
        display: block;
      }
    }
  `,
})
export class TicketView {
  readonly row = input.required<Row | null>();
  protected readonly text = injectText(texts);
  protected readonly code = computed(() => {
    const url = this.row()?.ticketUrl ?? null;
    return url === null ? null : qrCodeOf(url);
  });
}
