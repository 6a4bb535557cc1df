{{- /* A name that a Service may have (RFC 1035); a release may begin with a digit and have dots. */ -}}
{{- define "poolgate.name" -}}
{{- $release := .Release.Name | replace "." "-" -}}
{{- $name := ternary $release (printf "%s-%s" $release .Chart.Name) (contains .Chart.Name $release) -}}
{{- $begins := regexMatch "^[a-z]" $name -}}
{{- ternary $name (printf "%s-%s" .Chart.Name $release) $begins | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- /* A value as text: numbers of a file of values are floating, and large ones lose their form. */ -}}
{{- define "poolgate.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{- define "poolgate.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "poolgate.labels" -}}
{{ include "poolgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "poolgate.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "poolgate.kind" -}}
{{- ternary "StatefulSet" "Deployment" .Values.journal.persistent -}}
{{- end -}}
