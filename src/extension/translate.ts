/** `vscode.l10n.t`, for modules that do not know VS Code: `{0}`, `{1}`, … stand for the arguments. */
export type Translate = (message: string, ...args: (string | number)[]) => string;
