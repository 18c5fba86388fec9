package console

import "html/template"

// paths are the icons, drawn with strokes in a square of 24.
var paths = map[string]string{
	"today":         `<path d="M4 11l8-7 8 7v9h-5v-6H9v6H4z"/>`,
	"orders":        `<path d="M6 3h12v18l-3-2-3 2-3-2-3 2z"/><path d="M9 8h6M9 12h6"/>`,
	"cases":         `<path d="M12 4L2.5 20h19z"/><path d="M12 10v4M12 17v.01"/>`,
	"work":          `<path d="M3 8l9-5 9 5v9l-9 5-9-5z"/><path d="M3 8l9 5 9-5M12 13v9"/>`,
	"handover":      `<path d="M2 6h11v10H2zM13 10h5l4 3v3h-9z"/><circle cx="7" cy="18" r="2"/><circle cx="17" cy="18" r="2"/>`,
	"returns":       `<path d="M8 5L3 10l5 5"/><path d="M3 10h11a6 6 0 010 12H9"/>`,
	"stock":         `<path d="M4 4h16v5H4zM4 9h16v11H4zM10 13h4"/>`,
	"listings":      `<path d="M4 4h8l9 9-8 8-9-9z"/><circle cx="8.5" cy="8.5" r="1.2"/>`,
	"channels":      `<path d="M4 7h16M4 12h16M4 17h16"/><circle cx="9" cy="7" r="2"/><circle cx="15" cy="12" r="2"/><circle cx="8" cy="17" r="2"/>`,
	"imports":       `<path d="M12 3v11M8 10l4 4 4-4M4 17v4h16v-4"/>`,
	"jobs":          `<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2"/>`,
	"keys":          `<circle cx="8" cy="15" r="4.5"/><path d="M11.5 11.5L20 3M16 7l3 3"/>`,
	"audit":         `<path d="M5 3h10l4 4v14H5z"/><path d="M9 12l2 2 4-4M9 18h6"/>`,
	"subscriptions": `<circle cx="6" cy="17" r="3"/><circle cx="18" cy="17" r="3"/><circle cx="12" cy="6" r="3"/><path d="M10.5 8.6L7.4 14.3M13.5 8.6l3.1 5.7M9 17h6"/>`,
	"search":        `<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21"/>`,
	"person":        `<circle cx="12" cy="8" r="4"/><path d="M4 21c1-5 4-7 8-7s7 2 8 7"/>`,
	"copy":          `<path d="M9 9h11v12H9z"/><path d="M15 9V3H4v12h5"/>`,
	"print":         `<path d="M7 9V3h10v6M7 17H4V9h16v8h-3"/><path d="M7 14h10v7H7z"/>`,
	"menu":          `<path d="M4 6h16M4 12h16M4 18h16"/>`,
}

// icon is a picture that says nothing the text beside it does not.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + paths[name] + `</svg>`) //nolint:gosec // written here
}
