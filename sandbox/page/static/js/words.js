// The words of Discord's own client, in the languages that Easel speaks. A person of another language reads English.

import { scene } from "./scene.js";

const LANGUAGES = ["de", "fr", "es-ES", "pt-BR", "ja", "zh-CN"];
const WORDS = {
  "Only you can see this": [
    "Nur du kannst das sehen",
    "Vous seul pouvez voir ceci",
    "Solo tú puedes ver esto",
    "Só você pode ver isto",
    "あなただけに表示されています",
    "只有你能看到",
  ],
  Dismiss: ["Ausblenden", "Masquer", "Descartar", "Descartar", "非表示", "隐藏"],
  Submit: ["Absenden", "Envoyer", "Enviar", "Enviar", "送信", "提交"],
  Cancel: ["Abbrechen", "Annuler", "Cancelar", "Cancelar", "キャンセル", "取消"],
  Close: ["Schließen", "Fermer", "Cerrar", "Fechar", "閉じる", "关闭"],
  Choose: ["Auswählen", "Choisir", "Elegir", "Escolher", "選択", "选择"],
  Spoiler: ["Spoiler", "Spoiler", "Spoiler", "Spoiler", "ネタバレ", "剧透"],
  required: ["Pflichtfeld", "obligatoire", "obligatorio", "obrigatório", "必須", "必填"],
  edited: ["bearbeitet", "modifié", "editado", "editado", "編集済み", "已编辑"],
  "not set": ["nicht gesetzt", "non défini", "sin definir", "não definido", "未設定", "未设置"],
  True: ["Ja", "Oui", "Sí", "Sim", "はい", "是"],
  False: ["Nein", "Non", "No", "Não", "いいえ", "否"],
  "{name} is thinking": [
    "{name} denkt nach",
    "{name} réfléchit",
    "{name} está pensando",
    "{name} está pensando",
    "{name} が考えています",
    "{name} 正在思考",
  ],
  "used {name}": ["hat {name} benutzt", "a utilisé {name}", "ha usado {name}", "usou {name}", "{name} を使用しました", "使用了 {name}"],
  "used a command": [
    "hat einen Befehl benutzt",
    "a utilisé une commande",
    "ha usado un comando",
    "usou um comando",
    "コマンドを使用しました",
    "使用了命令",
  ],
  "pressed a button": [
    "hat eine Schaltfläche gedrückt",
    "a appuyé sur un bouton",
    "ha pulsado un botón",
    "apertou um botão",
    "ボタンを押しました",
    "按下了按钮",
  ],
  "filled in a form": [
    "hat ein Formular ausgefüllt",
    "a rempli un formulaire",
    "ha rellenado un formulario",
    "preencheu um formulário",
    "フォームに入力しました",
    "填写了表单",
  ],
  "Original message was deleted": [
    "Die ursprüngliche Nachricht wurde gelöscht",
    "Le message d’origine a été supprimé",
    "El mensaje original se ha eliminado",
    "A mensagem original foi excluída",
    "元のメッセージは削除されました",
    "原消息已被删除",
  ],
  "Click to see attachment": [
    "Klicke, um den Anhang zu sehen",
    "Cliquez pour voir la pièce jointe",
    "Haz clic para ver el archivo adjunto",
    "Clique para ver o anexo",
    "クリックして添付ファイルを表示",
    "点击查看附件",
  ],
  More: ["Mehr", "Plus", "Más", "Mais", "その他", "更多"],
  Apps: ["Apps", "Applications", "Aplicaciones", "Aplicativos", "アプリ", "应用"],
  "Apps for {name}": [
    "Apps für {name}",
    "Applications pour {name}",
    "Aplicaciones para {name}",
    "Aplicativos para {name}",
    "{name} 向けアプリ",
    "用于 {name} 的应用",
  ],
  "This post": ["Diese Nachricht", "Ce message", "Este mensaje", "Esta mensagem", "このメッセージ", "此消息"],
  "Copy text": ["Text kopieren", "Copier le texte", "Copiar texto", "Copiar texto", "テキストをコピー", "复制文本"],
  Reply: ["Antworten", "Répondre", "Responder", "Responder", "返信", "回复"],
  Delete: ["Löschen", "Supprimer", "Eliminar", "Excluir", "削除", "删除"],
  "Open large": ["Groß öffnen", "Agrandir", "Abrir en grande", "Abrir ampliada", "拡大表示", "放大查看"],
  "Open picture {number} large": [
    "Bild {number} groß öffnen",
    "Agrandir l’image {number}",
    "Abrir la imagen {number} en grande",
    "Abrir a imagem {number} ampliada",
    "画像 {number} を拡大表示",
    "放大查看第 {number} 张图片",
  ],
  "The application did not respond": [
    "Die Anwendung hat nicht reagiert",
    "L’application ne répond plus",
    "La aplicación no ha respondido",
    "O aplicativo não respondeu",
    "アプリケーションが応答しませんでした",
    "该应用未响应",
  ],
};

/** A word or sentence of the client in the person's language; what stands in braces is put in. */
export function word(english, parts = {}) {
  const text = WORDS[english]?.[LANGUAGES.indexOf(scene.locale)] ?? english;
  return text.replace(/\{(\w+)\}/g, (whole, name) => parts[name] ?? whole);
}
