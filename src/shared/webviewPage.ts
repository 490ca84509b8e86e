/** The id of the element of a webview's document that holds its texts, as JSON; absent: all is English. */
export const L10N_ELEMENT = 'l10n';
