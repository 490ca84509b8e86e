// Installs the dependencies where they are missing or old, and the generated types. For tasks of the editor.
import { ensureInstalled, underProjectNode } from './lib/install.mjs';

ensureInstalled();
await underProjectNode();
await import('./generate.mjs');
