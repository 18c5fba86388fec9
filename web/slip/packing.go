package slip

import "strconv"

// The columns of the goods: units, a box to tick, what it is, its code.
const (
	unitsWide = 16.0
	codeWide  = 62.0
	itemAt    = margin + unitsWide + 9
	itemWide  = inner - unitsWide - 9 - codeWide - 4
	codeAt    = wide - margin - codeWide
	gap       = 3.0
)

// packing draws the slip of one parcel on as many pages as it takes.
func (p *paper) packing(s *Packing) {
	pages := p.fill(s)
	for i, lines := range pages {
		p.pdf.AddPage()
		y := p.packingHead(s, i == 0)
		y = p.goodsHead(y)
		for _, l := range lines {
			y = p.goods(l, y)
		}
		p.foot(s.Number, i+1, len(pages))
	}
}

// fill shares the goods out to pages.
func (p *paper) fill(s *Packing) [][]Line {
	var pages [][]Line
	var page []Line
	y := p.headHeight(s, true)
	for _, l := range s.Lines {
		need := p.goodsHeight(l)
		if y+need > bottom && len(page) > 0 {
			pages, page, y = append(pages, page), nil, p.headHeight(s, false)
		}
		page = append(page, l)
		y += need
	}
	return append(pages, page)
}

const (
	headEnds = 52.0 // where the head with title and codes ends
	rowHead  = 8.0
)

func (p *paper) headHeight(s *Packing, first bool) float64 {
	if !first {
		return headEnds + rowHead
	}
	return p.about(s, headEnds, false) + rowHead
}

// packingHead draws title and codes, and on the first page for whom it is; it answers where the goods begin.
func (p *paper) packingHead(s *Packing, first bool) float64 {
	p.text(p.words.Packing, style{20, true}, margin, 12, inner-34)
	p.text(s.Shop, style{11, false}, margin, 23, inner-34)
	p.text(s.Order, style{14, true}, margin, 28.5, 90)
	p.findable(s.Order, margin, 34, 90)
	p.bars(s.Order, margin, 36.5, 90, 12)
	p.square(s.Order, wide-margin-30, 12, 30)
	p.box(margin, headEnds-2, inner, 0.4, 0)
	if !first {
		return headEnds
	}
	return p.about(s, headEnds, true)
}

// about draws address, facts and note, or only measures them.
func (p *paper) about(s *Packing, y float64, drawing bool) float64 {
	left, right := y, y
	put := func(text string, st style, x float64, y *float64, width float64) {
		if drawing {
			*y = p.text(text, st, x, *y, width)
			return
		}
		*y += p.height(text, st, width)
	}
	put(p.words.ShipTo, style{9, false}, margin, &left, 96)
	for i, line := range s.To {
		put(line, style{12, i == 0}, margin, &left, 96)
	}
	facts := []struct{ name, value string }{{p.words.Phone, s.Phone}, {p.words.External, s.External}, {p.words.Placed, s.Placed}, {p.words.ShipBy, s.ShipBy}, {p.words.From, s.From}, {p.words.Parcel, s.Number}, {p.words.Cash, s.Cash}}
	for _, f := range facts {
		if f.value == "" {
			continue
		}
		const at, name, value = margin + 102, 32.0, inner - 102 - 32
		if drawing {
			p.text(f.name, style{9, false}, at, right, name)
			p.text(f.value, style{10, true}, at+name, right-0.2, value)
		}
		right += max(p.height(f.name, style{9, false}, name), p.height(f.value, style{10, true}, value))
	}
	y = max(left, right) + gap
	if s.Note == "" {
		return y
	}
	body := p.height(s.Note, style{11, false}, inner-8)
	if drawing {
		p.box(margin, y, inner, body+leading(9)+4, 0.93)
		next := p.text(p.words.Note, style{9, false}, margin+4, y+1.5, inner-8)
		p.text(s.Note, style{11, false}, margin+4, next, inner-8)
	}
	return y + body + leading(9) + 4 + gap
}

// goodsHead draws the names of the columns.
func (p *paper) goodsHead(y float64) float64 {
	small := style{9, false}
	p.text(p.words.Units, small, margin, y, unitsWide)
	p.text(p.words.Item, small, itemAt, y, itemWide)
	p.box(margin, y+rowHead-2, inner, 0.3, 0.3)
	return y + rowHead
}

// goodsHeight is the room one line takes.
func (p *paper) goodsHeight(l Line) float64 {
	h := p.height(l.SKU, style{10, true}, itemWide) + p.height(l.Title, style{11, false}, itemWide)
	for _, w := range l.Wishes {
		h += p.height(w.Name, style{8, false}, itemWide-6) + p.height(w.Value, style{11, true}, itemWide-6) + 2
	}
	return max(h, 17) + gap
}

// goods draws one line: how many of what, what the buyer asked of it, and its code.
func (p *paper) goods(l Line, y float64) float64 {
	end := y + p.goodsHeight(l)
	p.text(strconv.FormatInt(l.Quantity, 10)+" ×", style{15, true}, margin, y, unitsWide)
	p.tick(margin+unitsWide, y+1.5)
	at := p.text(l.SKU, style{10, true}, itemAt, y, itemWide)
	p.findable(l.SKU, itemAt, y+4, itemWide)
	at = p.text(l.Title, style{11, false}, itemAt, at, itemWide)
	for _, w := range l.Wishes {
		h := p.height(w.Name, style{8, false}, itemWide-6) + p.height(w.Value, style{11, true}, itemWide-6)
		p.box(itemAt, at+0.5, itemWide, h+0.5, 0.9)
		next := p.text(w.Name, style{8, false}, itemAt+3, at+0.5, itemWide-6)
		p.text(w.Value, style{11, true}, itemAt+3, next, itemWide-6)
		at += h + 2
	}
	p.bars(l.SKU, codeAt, y+1, codeWide, 13)
	p.box(margin, end-gap/2, inner, 0.2, 0.75)
	return end
}
