package graph

// style is the look; colours keep a contrast of 4.5 to 1 in both schemes.
const style = `
text { font-family: system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1b1f24; }
.page { fill: #ffffff; }
.head { font-size: 20px; font-weight: 600; }
.groupname, .name { font-size: 14px; font-weight: 600; }
.number { font-size: 14px; fill: #59636e; }
.small, .tagtext, .condition, .pausetext { font-size: 12px; }
.small { fill: #59636e; }
.detail { font-family: ui-monospace, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: 12px; fill: #3b434b; }
.condition { fill: #6639ba; font-style: italic; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.group { fill: #59636e; fill-opacity: .07; stroke: #afb8c1; stroke-width: 1; }
.step { fill: #ffffff; stroke: #8c959f; stroke-width: 1; }
.erases { stroke: #d1242f; }
.strip { fill: #d1242f; }
.way, .past, .pause { fill: none; stroke: #8c959f; stroke-width: 1.5; }
.past { stroke: #8250df; stroke-dasharray: 4 3; }
.pause { stroke: #0969da; }
.pausetext { fill: #0550ae; }
.arrow { fill: #8c959f; }
.fork { fill: #8250df; }
.start { fill: #1f883d; }
circle.end { fill: none; stroke: #1f883d; stroke-width: 1.5; }
.tag { fill: #59636e; fill-opacity: .12; }
.tag.danger { fill: #d1242f; fill-opacity: 1; }
.tagtext.danger { fill: #ffffff; }
.tag.cannot { fill: #bf8700; fill-opacity: .2; }
.off { opacity: .55; }
.off .step, .off .group { stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.page { fill: #0d1117; }
.number, .small { fill: #9198a1; }
.detail { fill: #d1d7e0; }
.condition { fill: #d2a8ff; }
.group { stroke: #3d444d; fill: #9198a1; fill-opacity: .08; }
.step { fill: #151b23; stroke: #656c76; }
.erases { stroke: #f85149; }
.strip { fill: #f85149; }
.tag { fill: #9198a1; fill-opacity: .25; }
.tag.danger { fill: #da3633; }
.pausetext { fill: #79c0ff; }
.pause { stroke: #4493f8; }
.past, .fork { stroke: #ab7df8; }
.fork { fill: #ab7df8; stroke: none; }
.start { fill: #3fb950; }
circle.end { stroke: #3fb950; }
}
`
