package console

import "net/http"

// media are the types of labels.
var labelMedia = map[string]string{"pdf": "application/pdf", "png": "image/png", "zpl": "application/zpl"}

// label opens a parcel's label to print; it bears name and address, so that the reading is written down.
func label(v *visit) error {
	d, err := v.Dispatch.Label(v.r.Context(), v.id(), v.actor())
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if m := labelMedia[d.Format]; m != "" {
		h.Set("Content-Type", m)
	}
	if d.Format == "html" { // somebody else's page: it may run nothing and reach nothing
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox")
	}
	v.w.WriteHeader(http.StatusOK)
	if _, err := v.w.Write(d.Body); err != nil {
		v.Log.Debug("answer not written", "err", err)
	}
	return nil
}
