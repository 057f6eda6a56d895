/**
 * The look of the demo provider's pages.
 */
export function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>
body{font:16px/1.5 system-ui,sans-serif;background:#eef1f6;color:#1c2330;display:grid;place-items:center;min-height:90vh}
main{background:#fff;padding:2rem 2.5rem;border-radius:12px;box-shadow:0 2px 20px #1c233018;min-width:18rem}
h1{font-size:1.3rem;margin-top:0}label{display:block;margin:.8rem 0}input{display:block;width:100%;font:inherit;
padding:.5rem;border:1px solid #b6bfcc;border-radius:6px;box-sizing:border-box}
button{font:inherit;padding:.5rem 1.2rem;border:0;border-radius:6px;background:#3b3f99;color:#fff}p{color:#5b6472}
</style></head><body><main><p>Demo provider</p><h1>${title}</h1>${body}</main></body></html>`
}
