import * as vscode from 'vscode';

/** A tree whose content is loaded when VS Code first asks for it: nothing of it is paid for at activation. */
export function lazyTree<T>(load: () => Promise<vscode.TreeDataProvider<T>>): vscode.TreeDataProvider<T> {
  const changed = new vscode.EventEmitter<T | T[] | null | undefined>();
  let loading: Promise<vscode.TreeDataProvider<T>> | undefined;
  const content = () => {
    loading ??= load().then((tree) => {
      tree.onDidChangeTreeData?.((what) => changed.fire(what ?? undefined));
      return tree;
    });
    return loading;
  };
  return {
    onDidChangeTreeData: changed.event,
    getChildren: async (element) => (await content()).getChildren(element),
    getTreeItem: async (element) => (await content()).getTreeItem(element),
  };
}
