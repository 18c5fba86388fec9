package dispatch

import (
	"time"

	"github.com/openclaw-pos/commerce/platform/jobs"
)

// The jobs of this context.
const (
	BookJob = "dispatch.book"
	VoidJob = "dispatch.void"
)

const firstTrack = 30 * time.Minute

type bookPayload struct {
	Shipment string `json:"shipment_id"`
}

func voidJob(sh *Shipment) jobs.Job {
	return jobs.Job{Kind: VoidJob, Key: sh.ID, Account: "courier:" + sh.Courier, Payload: bookPayload{sh.ID}}
}
