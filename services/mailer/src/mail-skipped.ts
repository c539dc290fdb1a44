/**
 * A rule forbids sending a mail, such as a limit that its recipient has reached. The task ends as `skipped` and nobody is
 * alerted. The text is for managers, and must hold no personal data.
 */
export class MailSkipped extends Error {
  override readonly name = 'MailSkipped';
}
