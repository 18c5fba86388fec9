package slip

import (
	"strconv"
	"strings"
)

// picking draws the list of a walk.
func (p *paper) picking(list *Picking) {
	var pages [][]Stop
	var page []Stop
	const begins = 42.0
	y := begins
	for _, s := range list.Stops {
		need := p.stopHeight(s)
		if y+need > bottom && len(page) > 0 {
			pages, page, y = append(pages, page), nil, begins
		}
		page = append(page, s)
		y += need
	}
	pages = append(pages, page)
	for i, stops := range pages {
		p.pdf.AddPage()
		p.text(p.words.Picking, style{20, true}, margin, 12, inner)
		p.text(list.Place, style{13, true}, margin, 23, inner/2)
		p.textEnd(list.At, style{10, false}, margin+inner/2, 24, inner/2)
		p.box(margin, 31, inner, 0.4, 0)
		p.stopHead(32)
		y := begins
		for _, s := range stops {
			y = p.stop(s, y)
		}
		p.foot(list.Place, i+1, len(pages))
	}
}

// The columns of a walk: shelf, units, what it is, its code.
const (
	shelfWide = 24.0
	stopUnits = margin + shelfWide + 2
	stopItem  = stopUnits + unitsWide + 8
	stopWide  = inner - shelfWide - 2 - unitsWide - 8 - codeWide - 4
	stopLeast = 17.0
)

func (p *paper) stopHead(y float64) {
	small := style{9, false}
	p.text(p.words.Shelf, small, margin, y, shelfWide)
	p.text(p.words.Units, small, stopUnits, y, unitsWide+8)
	p.text(p.words.Item, small, stopItem, y, stopWide)
	p.box(margin, y+rowHead-2, inner, 0.3, 0.3)
}

func (s Stop) orders(words Words) string { return words.For + " " + strings.Join(s.For, ", ") }

func (p *paper) stopHeight(s Stop) float64 {
	h := p.height(s.SKU, style{10, true}, stopWide) + p.height(s.Title, style{11, false}, stopWide) + p.height(s.orders(p.words), style{8, false}, stopWide)
	return max(h, p.height(s.Shelf, style{12, true}, shelfWide), stopLeast) + gap
}

// stop draws one shelf of the walk.
func (p *paper) stop(s Stop, y float64) float64 {
	end := y + p.stopHeight(s)
	p.text(s.Shelf, style{12, true}, margin, y, shelfWide)
	p.text(strconv.FormatInt(s.Quantity, 10)+" ×", style{15, true}, stopUnits, y, unitsWide)
	p.tick(stopUnits+unitsWide, y+1.5)
	at := p.text(s.SKU, style{10, true}, stopItem, y, stopWide)
	p.findable(s.SKU, stopItem, y+4, stopWide)
	at = p.text(s.Title, style{11, false}, stopItem, at, stopWide)
	p.text(s.orders(p.words), style{8, false}, stopItem, at, stopWide)
	p.bars(s.SKU, codeAt, y+1, codeWide, 13)
	p.box(margin, end-gap/2, inner, 0.2, 0.75)
	return end
}
