package slip

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-pdf/fpdf"
)

// A4 in millimetres, and what stays white around it.
const (
	wide, high = 210.0, 297.0
	margin     = 14.0
	inner      = wide - 2*margin
	bottom     = high - 16 // where rows end and the foot begins
	point      = 72 / 25.4 // points in a millimetre
)

// paper is a document being drawn. Places are millimetres from the upper corner where lines begin: the left one, or the right one where the language runs from there.
type paper struct {
	*setter
	pdf   *fpdf.Fpdf
	words Words
}

func newPaper(words Words, title string, now time.Time) (*paper, error) {
	s, err := newSetter(words.Lang)
	if err != nil {
		return nil, err
	}
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetMargins(0, 0, 0)
	pdf.SetTitle(title, true)
	pdf.SetLang(words.Lang)
	pdf.SetProducer("openclaw-commerce", false)
	pdf.SetCreationDate(now)
	pdf.SetModificationDate(now)
	pdf.SetCatalogSort(true)
	pdf.SetFont("Helvetica", "", 8)
	return &paper{setter: s, pdf: pdf, words: words}, nil
}

// left is where something of a width stands that begins at x.
func (p *paper) left(x, width float64) float64 {
	if p.words.RTL {
		return wide - x - width
	}
	return x
}

// leading is how far lines of a size stand apart, in millimetres: Urdu and Arabic reach further up and down.
func leading(size float64) float64 { return size * 1.5 / point }

// text sets a text into a width at a place, and answers where the next one may begin.
func (p *paper) text(text string, st style, x, y, width float64) float64 {
	return p.rows(p.lines(text, st, width*point, p.words.RTL), st, x, y, width, false)
}

// textEnd sets a text that ends where the width does.
func (p *paper) textEnd(text string, st style, x, y, width float64) {
	p.rows(p.lines(text, st, width*point, p.words.RTL), st, x, y, width, true)
}

func (p *paper) rows(all []row, st style, x, y, width float64, end bool) float64 {
	var out strings.Builder
	for _, r := range all {
		at := p.left(x, width) * point
		if p.words.RTL != end {
			at += width*point - r.width
		}
		p.draw(&out, r, at, (high-y)*point-st.size*1.12)
		y += leading(st.size)
	}
	p.pdf.RawWriteStr(out.String())
	return y
}

// height is how much room a text takes.
func (p *paper) height(text string, st style, width float64) float64 {
	return float64(len(p.lines(text, st, width*point, p.words.RTL))) * leading(st.size)
}

// findable has a viewer find a code by its letters, which outlines alone would not.
func (p *paper) findable(code string, x, y, width float64) {
	for _, r := range code {
		if r < ' ' || r > '~' {
			return
		}
	}
	p.pdf.SetTextRenderingMode(3)
	p.pdf.Text(p.left(x, width), y, code)
	p.pdf.SetTextRenderingMode(0)
}

// box fills a rectangle; grey is 0 for black and 1 for white.
func (p *paper) box(x, y, width, height, grey float64) {
	p.pdf.RawWriteStr(fmt.Sprintf("q %.2f g %.3f %.3f %.3f %.3f re f Q", grey, p.left(x, width)*point, (high-y-height)*point, width*point, height*point))
}

// tick is an empty box to tick by hand.
func (p *paper) tick(x, y float64) {
	const size = 5.0
	p.pdf.RawWriteStr(fmt.Sprintf("q 0.9 w %.3f %.3f %.3f %.3f re S Q", p.left(x, size)*point, (high-y-size)*point, size*point, size*point))
}

// foot ends a page: what it belongs to, and which page of how many it is.
func (p *paper) foot(of string, n, pages int) {
	small := style{size: 8}
	p.box(margin, bottom+4, inner, 0.2, 0.6)
	p.text(of, small, margin, bottom+5, inner/2)
	p.textEnd(p.words.Page(n, pages), small, margin+inner/2, bottom+5, inner/2)
}
